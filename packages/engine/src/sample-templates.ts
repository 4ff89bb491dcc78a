/** The emails of the samples: MJML with Liquid, as an author would write them. */
export const sampleTemplates = {
  welcome: {
    name: "Welcome Email",
    subject: "Welcome to {{ company.name | default: 'Acme' }}, {{ contact.first_name | default: 'there' }}!",
    mjml: page(
      "Welcome aboard",
      `<mj-text>Hi {{ contact.first_name | default: "there" }},</mj-text>
        <mj-text>Good to have you with us. Over the next month you get two more emails from us: a few tips in three days, and a short check-in after thirty.</mj-text>
        <mj-button href="https://example.com/start">Open your account</mj-button>`,
    ),
  },
  tips: {
    name: "Getting Started Tips",
    subject: "Three things to try first",
    mjml: page(
      "Getting started",
      `<mj-text>Hi {{ contact.first_name | default: "there" }},</mj-text>
        <mj-text>Most people find their way fastest like this:</mj-text>
        <mj-text><ol><li>Invite a colleague.</li><li>Import what you already have.</li><li>Set a goal for the month.</li></ol></mj-text>
        <mj-button href="https://example.com/tips">Show me how</mj-button>`,
    ),
  },
  checkIn: {
    name: "30-Day Check-in",
    subject: "How is it going, {{ contact.first_name | default: 'there' }}?",
    mjml: page(
      "Thirty days in",
      `<mj-text>Hi {{ contact.first_name | default: "there" }},</mj-text>
        <mj-text>You have been with us for a month. Is there something that you miss? Just answer this email: a person reads it.</mj-text>`,
    ),
  },
  followUp: {
    name: "Demo Follow-up",
    subject: "Thank you for your time",
    mjml: page(
      "Thank you",
      `<mj-text>Hi {{ contact.first_name | default: "there" }},</mj-text>
        <mj-text>Thank you for looking at our demo. This email leaves during office hours only: Monday to Friday, 09:00 to 17:00 in Bangkok.</mj-text>`,
    ),
  },
} as const;

function page(title: string, body: string): string {
  return `<mjml>
  <mj-head>
    <mj-title>${title}</mj-title>
    <mj-attributes>
      <mj-all font-family="Helvetica, Arial, sans-serif" />
      <mj-text font-size="16px" line-height="24px" color="#1f2933" />
      <mj-button background-color="#0b7285" border-radius="6px" font-size="16px" />
    </mj-attributes>
  </mj-head>
  <mj-body background-color="#f1f5f9">
    <mj-section background-color="#ffffff" padding="32px 16px">
      <mj-column>
        <mj-text font-size="24px" font-weight="700">${title}</mj-text>
        ${body}
      </mj-column>
    </mj-section>
    <mj-section padding="8px 16px">
      <mj-column>
        <mj-text font-size="12px" color="#64748b">You get this as part of "{{ sequence.name }}". <a href="{{ unsubscribe_url }}">Unsubscribe</a></mj-text>
      </mj-column>
    </mj-section>
  </mj-body>
</mjml>`;
}

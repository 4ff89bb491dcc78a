const isLater = `
  l.version_id = n.version_id
  and (l.step_number > coalesce(reached.step_number, 0) or l.step_key = any(n.owed_step_keys))
  and not exists (select from step_execution x where x.enrollment_id = n.id and x.step_key = l.step_key)`;

/**
 * What somebody has still to get, as SQL: the active and inactive steps of the enrollment's version (`n`) after the step
 * that was reached, and those that edits left owed to them, without those they have had. For a statement in which `n` is
 * the enrollment, `st` the step of its last execution (null if there is none), and `reachedStep` is joined.
 */
export const laterSteps = `
  coalesce((
    select jsonb_agg(jsonb_build_object('id', l.id, 'step_key', l.step_key, 'step_number', l.step_number,
                                        'delay_value', l.delay_value, 'delay_unit', l.delay_unit,
                                        'is_active', l.is_active) order by l.step_number)
    from sequence_step l
    where ${isLater}
  ), '[]')`;

/** The keys of the same steps. */
export const laterStepKeys = `array(select l.step_key from sequence_step l where ${isLater})`;

/**
 * Where the enrollment's version (`n`) has the step `st`, or else the last one before it that both versions have; null if
 * there is none. A step that was owed takes nobody back to where it stands: they go on from where they had come.
 */
export const reachedStepNumber = `
    greatest(
      (select here.step_number from sequence_step old
       join sequence_step here on here.version_id = n.version_id and here.step_key = old.step_key
       where old.version_id = st.version_id and old.step_number <= st.step_number
       order by old.step_number desc limit 1),
      case when st.step_key = any(n.owed_step_keys) then n.current_step_number end)`;

/** The same as a join, as `reached.step_number`. */
export const reachedStep = `
  left join lateral (select ${reachedStepNumber} as step_number) reached on true`;

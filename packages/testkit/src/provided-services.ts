/** What global-setup.ts hands to the test files; `inject` returns it. `undefined`: no selected file needs services. */
export type ProvidedServices = {
  postgres: {
    /** A connection that may create databases. */
    adminUrl: string;
    /** Migrated; every fresh database is a copy of it. */
    template: string;
    /** All databases of this run begin with it. */
    prefix: string;
  };
  redis: { url: string; databases: number } | { missing: string };
};

declare module "vitest" {
  interface ProvidedContext {
    services: ProvidedServices | undefined;
  }
}

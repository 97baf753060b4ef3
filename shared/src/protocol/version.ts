/** The wire's version. The schema-hash test fails when a message changes and this stays. */
export const PROTOCOL = 1;

/** The wire's version. The schema-hash test fails when a message changes and this stays. */
export const PROTOCOL = 1;
/** The oldest that this version still speaks: that of the minor version before. */
export const OLDEST_PROTOCOL = 1;

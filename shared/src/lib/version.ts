/** The version of this build; the same for both programs. */
export const VERSION = "0.1.0";

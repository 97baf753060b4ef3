/** On the agents' port: this machine's agent is being uninstalled. Its identity ends with it. */
export const GOODBYE_PATH = "/v1/goodbye";

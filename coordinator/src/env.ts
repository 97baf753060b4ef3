/** What the environment says; texts as they are. config.ts gives them their shape. */
export interface Env {
  readonly data: string | undefined;
  readonly config: string | undefined;
  readonly run: string | undefined;
  readonly share: string | undefined;
  readonly listenApi: string | undefined;
  readonly listenAgents: string | undefined;
  readonly logLevel: string | undefined;
}

export function readEnv(environment: NodeJS.ProcessEnv): Env {
  return {
    data: environment.FETTLE_DATA,
    config: environment.FETTLE_CONFIG,
    run: environment.FETTLE_RUN,
    share: environment.FETTLE_SHARE,
    listenApi: environment.FETTLE_LISTEN_API,
    listenAgents: environment.FETTLE_LISTEN_AGENTS,
    logLevel: environment.FETTLE_LOG_LEVEL,
  };
}

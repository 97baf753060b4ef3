import { type Answer, html } from "./answer.ts";

/** Pages that a client of the API meets instead of JSON; the shape of the real ones, not their text. */
export function badGateway(): Answer {
  return html(502, page("GitLab is not responding (502)", "Whoops, GitLab is taking too much time to respond."), {
    server: "nginx",
  });
}

export function deployInProgress(): Answer {
  return html(503, page("Deploy in progress", "Please try again in a few minutes."), { server: "nginx" });
}

export function notFound(): Answer {
  return html(404, page("The page could not be found or you don't have permission to view it (404)", "404"));
}

function page(title: string, line: string): string {
  return `<!DOCTYPE html>\n<html>\n<head><title>${title}</title></head>\n<body><h1>${title}</h1><p>${line}</p></body>\n</html>\n`;
}

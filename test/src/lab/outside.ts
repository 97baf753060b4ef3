import { createReadStream, statSync } from "node:fs";
import type { RequestListener } from "node:http";
import { basename, join } from "node:path";
import { pipeline } from "node:stream";
import { registryListener } from "../stand-ins/registry/start-registry.ts";
import { imageRegistry } from "./image-registry.ts";

/** Releases lie at another name than the page that leads to them. */
const assets = "release-assets.githubusercontent.com";

export type OutsideFolders = {
  /** Images as image-store lays them. */
  images: string;
  /** `VERSION/FILE` of Ollama's releases. */
  releases: string;
  /** The distribution's packages and their list. */
  packages: string;
};

/** The outside world's servers, as one listener that looks at the name it is asked by. */
export function outside(folders: OutsideFolders, log: (line: string) => void): RequestListener {
  const images = imageRegistry({ folder: folders.images, tokenUrl: "https://gitlab.com/jwt/auth", log });
  const hub = imageRegistry({ folder: folders.images, tokenUrl: "https://auth.docker.io/token", log });
  const ollama = registryListener({ releases: folders.releases }, "https");
  const doors: Record<string, RequestListener> = {
    "registry.gitlab.com": images,
    "gitlab.com": images,
    "registry-1.docker.io": hub,
    "auth.docker.io": hub,
    "registry.ollama.ai": ollama,
    "github.com": toAssets,
    [assets]: ollama,
    "packages.example.com": packages(folders.packages),
  };
  return (request, response) => {
    const name = (request.headers.host ?? "").toLowerCase().replace(/:\d+$/, "");
    const door = doors[name];
    if (door !== undefined) door(request, response);
    else response.writeHead(421).end();
  };
}

/** Files of one folder by their names. */
function packages(folder: string): RequestListener {
  return (request, response) => {
    const name = basename(decodeURIComponent(new URL(request.url ?? "/", "https://packages").pathname));
    const path = join(folder, name);
    const size = statSync(path, { throwIfNoEntry: false });
    if (size === undefined || !size.isFile()) return void response.writeHead(404).end();
    response.writeHead(200, { "content-length": size.size });
    pipeline(createReadStream(path), response, () => undefined);
  };
}

/** As the vendor's: a download is a redirect to where the file lies. */
const toAssets: RequestListener = (request, response) => {
  const path = /^\/ollama\/ollama(\/releases\/download\/.+)$/.exec(request.url ?? "")?.[1];
  if (path === undefined) response.writeHead(404).end();
  else response.writeHead(302, { location: `https://${assets}${path}` }).end();
};

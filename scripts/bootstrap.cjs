// What npm runs first. It must work on any Node that npm still runs on (old syntax only), and hands over to the
// pinned one: `node scripts/bootstrap.cjs FILE.ts ARGS…` or `node scripts/bootstrap.cjs --bin NAME ARGS…`.
"use strict";
var fs = require("fs");
var path = require("path");
var child = require("child_process");

var NODE = "24.21.0";
var PNPM = "12.21.0";
var root = path.resolve(__dirname, "..");
var toolchain = path.join(root, ".toolchain");
var arch = process.arch === "arm64" ? "arm64" : "x64";

function fail(message) {
  process.stderr.write("fettle: " + message + "\n");
  process.exit(1);
}

function run(command, args, options) {
  var result = child.spawnSync(command, args, Object.assign({ cwd: root, stdio: ["ignore", "pipe", "pipe"] }, options));
  if (result.error) fail(command + " could not be started: " + result.error.message);
  if (result.status !== 0) {
    process.stderr.write(String(result.stdout || "") + String(result.stderr || ""));
    fail(command + " " + args.join(" ") + " ended with " + result.status);
  }
}

function install(spec) {
  fs.mkdirSync(toolchain, { recursive: true });
  var manifest = path.join(toolchain, "package.json");
  if (!fs.existsSync(manifest)) fs.writeFileSync(manifest, '{"private":true}\n');
  process.stderr.write("fettle: fetching " + spec + "\n");
  run(
    "npm",
    ["install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"].concat(specs(spec)),
    { cwd: toolchain },
  );
}

// npm removes what a later --no-save install does not name, so both are always named.
function specs(wanted) {
  var all = ["pnpm@" + PNPM];
  if (process.versions.node !== NODE) all.push("node-linux-" + arch + "@" + NODE);
  return all.indexOf(wanted) < 0 ? all.concat(wanted) : all;
}

function installed(name, version) {
  try {
    return (
      JSON.parse(fs.readFileSync(path.join(toolchain, "node_modules", name, "package.json"), "utf8")).version ===
      version
    );
  } catch (error) {
    return false;
  }
}

function pinnedNode() {
  if (process.versions.node === NODE) return process.execPath;
  var name = "node-linux-" + arch;
  if (!installed(name, NODE)) install(name + "@" + NODE);
  return path.join(toolchain, "node_modules", name, "bin", "node");
}

function installPackages(node) {
  var stamp = path.join(root, "node_modules", ".fettle-lock");
  var lock = fs.readFileSync(path.join(root, "pnpm-lock.yaml"), "utf8");
  var have = fs.existsSync(stamp) ? fs.readFileSync(stamp, "utf8") : "";
  if (have === lock) return;
  if (!installed("pnpm", PNPM)) install("pnpm@" + PNPM);
  process.stderr.write("fettle: installing packages\n");
  run(node, [
    path.join(toolchain, "node_modules", "pnpm", "bin", "pnpm.mjs"),
    "install",
    "--frozen-lockfile",
    "--ignore-scripts",
  ]);
  fs.writeFileSync(stamp, lock);
}

if (process.platform !== "linux") fail("Fettle runs on Linux (x64 or arm64); this is " + process.platform);
var node = pinnedNode();
installPackages(node);
var args = process.argv.slice(2);
if (args[0] === "--bin") args = [path.join(root, "node_modules", ".bin", args[1])].concat(args.slice(2));
else args = [path.join(root, args[0])].concat(args.slice(1));
var env = Object.assign({}, process.env, { PATH: path.dirname(node) + path.delimiter + process.env.PATH });
var main =
  args[0].slice(-3) === ".ts"
    ? child.spawn(node, args, { stdio: "inherit", env: env })
    : child.spawn(args[0], args.slice(1), { stdio: "inherit", env: env });
["SIGINT", "SIGTERM", "SIGHUP"].forEach((signal) => {
  process.on(signal, () => {
    if (signal !== "SIGINT" || !process.stdin.isTTY) main.kill(signal);
  });
});
main.on("exit", (code, signal) => {
  if (signal) process.kill(process.pid, signal);
  process.exit(code === null ? 1 : code);
});

// What the engine does when it starts or ends that a build need not wait for. Loaded with NODE_OPTIONS=--require.
const child = require("child_process");
const fs = require("fs");
const Module = require("module");
const path = require("path");
const vm = require("vm");

// It leaves a 5 s timer behind for each linked DOI ("is taking a while") and waits for it at the end.
const plain = globalThis.setTimeout;
globalThis.setTimeout = (callback, delay, ...rest) => {
  const timer = plain(callback, delay, ...rest);
  if (delay === 5000) timer.unref?.();
  return timer;
};

// It asks twice for the versions of Node and npm, 0.3 s each. Node is known here, and no npm is needed to build.
const versions = { "node --version": process.versions.node, "npm --version": "10.0.0" };
const exec = child.exec;
child.exec = (command, ...rest) =>
  command in versions ? process.nextTick(rest.at(-1), null, versions[command], "") : exec(command, ...rest);

// It is one file of 13 MB. Compiled once, it is kept in ENGINE_CACHE.
const compile = Module.prototype._compile;
Module.prototype._compile = function (content, name) {
  const folder = process.env.ENGINE_CACHE;
  if (!folder || path.basename(name) !== "jupyter-book.cjs") return compile.call(this, content, name);
  const file = path.join(folder, `engine-${process.version}`);
  const cachedData = fs.existsSync(file) ? fs.readFileSync(file) : undefined;
  const source = Module.wrap(content.replace(/^#!.*/, ""));
  const importModuleDynamically = vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER;
  const script = new vm.Script(source, { filename: name, cachedData, importModuleDynamically });
  if (script.cachedDataRejected !== false) process.once("exit", () => keep(script, file));
  const run = script.runInThisContext();
  return run.call(this.exports, this.exports, Module.createRequire(name), this, name, path.dirname(name));
};

function keep(script, file) {
  const own = `${file}.${process.pid}`;
  fs.writeFileSync(own, script.createCachedData());
  fs.renameSync(own, file);
}

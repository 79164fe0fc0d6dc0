// The engine leaves a 5 s timer behind for each linked DOI ("is taking a while") and waits for it at the end.
// Loaded with NODE_OPTIONS=--require, this lets it end when its work is done.
const plain = globalThis.setTimeout;
globalThis.setTimeout = (callback, delay, ...rest) => {
  const timer = plain(callback, delay, ...rest);
  if (delay === 5000) timer.unref?.();
  return timer;
};

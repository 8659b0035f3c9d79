// @ts-check
/** @file The browser's audio: whether it can do live voice at all, and a context at a rate that the service takes. */

import { LiveProblem } from "./problems.js";

const RATES = [8000, 16000, 22050, 24000, 32000, 44100, 48000];
const WORKLETS = ["microphone-worklet.js", "playback-worklet.js"];
const WAKE_MS = 3000;

/** A context at the device's own rate where the service takes it; throws a LiveProblem. Call it from a user's click. */
export function openContext() {
  if (!globalThis.isSecureContext) throw new LiveProblem("insecure_page");
  if (!globalThis.AudioWorkletNode || !navigator.mediaDevices) throw new LiveProblem("unsupported_browser");
  const context = new AudioContext({ latencyHint: "interactive" });
  if (RATES.includes(context.sampleRate)) return context;
  context.close();
  return new AudioContext({ latencyHint: "interactive", sampleRate: 48000 });
}

/** Loads what runs on the audio thread; throws a LiveProblem. @param {AudioContext} context */
export async function loadWorklets(context) {
  try {
    await Promise.all(WORKLETS.map((name) => context.audioWorklet.addModule(new URL(name, import.meta.url))));
  } catch (cause) {
    throw new LiveProblem("service_away", { cause });
  }
}

/** Makes sure that sound flows; without a user's click browsers hold it back. @param {AudioContext} context */
export async function wake(context) {
  // A browser that holds sound back leaves this promise open.
  await Promise.race([context.resume(), new Promise((resolve) => setTimeout(resolve, WAKE_MS))]);
  if (context.state !== "running") throw new LiveProblem("sound_blocked");
}

/** A call, or another device, may have put it to sleep. @param {AudioContext} context */
export function keepAwake(context) {
  if (context.state !== "running" && context.state !== "closed") context.resume().catch(() => {});
}

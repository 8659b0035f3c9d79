// @ts-check
/** @file The microphone: opened with the browser's echo cancellation, read in chunks of PCM16. */

import { microphoneProblem } from "./problems.js";

const WANTED = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** An open microphone. While it is muted its chunks are silence, so that the service notices the end of a sentence. */
export class Microphone {
  #stream;
  #nodes;

  /**
   * @param {AudioContext} context with the worklets loaded
   * @param {MediaStream} stream
   * @param {{chunkMs: number, onChunk: (pcm: ArrayBuffer, rms: number) => void, onLost: () => void}} how
   */
  constructor(context, stream, { chunkMs, onChunk, onLost }) {
    const source = context.createMediaStreamSource(stream);
    const cutter = new AudioWorkletNode(context, "recite-microphone", {
      channelCount: 1,
      channelCountMode: "explicit",
      processorOptions: { chunkFrames: Math.round((context.sampleRate * chunkMs) / 1000) },
    });
    cutter.port.onmessage = ({ data }) => onChunk(data.pcm, data.rms);
    // Its output is silence; what leads nowhere is not run by every browser.
    source.connect(cutter).connect(context.destination);
    for (const track of stream.getAudioTracks()) track.onended = onLost;
    this.#stream = stream;
    this.#nodes = [source, cutter];
  }

  /** @param {boolean} isMuted */
  mute(isMuted) {
    for (const track of this.#stream.getAudioTracks()) track.enabled = !isMuted;
  }

  close() {
    for (const node of this.#nodes) node.disconnect();
    release(this.#stream);
  }
}

/** Asks for the microphone; throws a LiveProblem. @param {MediaTrackConstraints} [constraints] */
export async function askForMicrophone(constraints) {
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: { ...WANTED, ...constraints } });
  } catch (cause) {
    throw microphoneProblem(cause);
  }
}

/** Gives a microphone back. @param {MediaStream} stream */
export function release(stream) {
  for (const track of stream.getTracks()) track.stop();
}

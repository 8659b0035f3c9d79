// @ts-check
/** @file Cuts what the microphone hears into chunks of PCM16 and says how loud each one is; runs on the audio thread. */

class MicrophoneProcessor extends AudioWorkletProcessor {
  /** @param {{processorOptions: {chunkFrames: number}}} options */
  constructor({ processorOptions }) {
    super();
    this.chunk = new Int16Array(processorOptions.chunkFrames);
    this.filled = this.energy = 0;
  }

  /** @param {Float32Array[][]} inputs */
  process([input]) {
    for (const sample of input[0] ?? []) {
      const bounded = Math.max(-1, Math.min(1, sample));
      this.chunk[this.filled++] = bounded < 0 ? bounded * 0x8000 : bounded * 0x7fff;
      this.energy += bounded * bounded;
      if (this.filled === this.chunk.length) this.post();
    }
    return true;
  }

  post() {
    const { buffer: pcm, length } = this.chunk;
    this.port.postMessage({ pcm, rms: Math.sqrt(this.energy / length) }, [pcm]);
    this.chunk = new Int16Array(length);
    this.filled = this.energy = 0;
  }
}

registerProcessor("recite-microphone", MicrophoneProcessor);

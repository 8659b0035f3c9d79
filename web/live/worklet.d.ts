// What an AudioWorklet's own scope has and lib.dom leaves out; only the type check reads this file.
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(
  name: string,
  processor: new (options: { processorOptions: any }) => AudioWorkletProcessor,
): void;

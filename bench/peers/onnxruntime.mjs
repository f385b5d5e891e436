// onnxruntime-node as a rival: float32 on one thread with every graph optimisation.

/** The library, or null when it is not installed. */
export async function loadOnnxRuntime() {
  try {
    return await import('onnxruntime-node');
  } catch {
    return null;
  }
}

/** An ONNX model ready to run; `run(input)` resolves to its outputs by name. */
export async function openOnnx(runtime, model, inputShape, { threads = 1 } = {}) {
  const { InferenceSession, Tensor } = runtime.default ?? runtime;
  const session = await InferenceSession.create(model, {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    enableCpuMemArena: true,
    enableMemPattern: true,
  });
  return {
    run: async (input) => session.run({ image: new Tensor('float32', input, inputShape) }),
    close: async () => session.release(),
  };
}

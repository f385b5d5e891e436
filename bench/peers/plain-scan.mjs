// The selective scan as one writes it down in JavaScript, with typed arrays: what there is in this world without us.

/** Channels-last; returns y. Nothing is left out: softplus, skip and gate. */
function plainScan({ u, delta, z, a, b, c, d, bias, channels, states, length }) {
  const state = new Float32Array(channels * states);
  const y = new Float32Array(u.length);
  for (let t = 0; t < length; t++) {
    for (let i = 0; i < channels; i++) {
      const at = t * channels + i;
      const dt = Math.log1p(Math.exp(delta[at] + bias[i]));
      let sum = d[i] * u[at];
      for (let n = 0; n < states; n++) {
        const k = i * states + n;
        state[k] = state[k] * Math.exp(dt * a[k]) + dt * u[at] * b[t * states + n];
        sum += state[k] * c[t * states + n];
      }
      y[at] = (sum * z[at]) / (1 + Math.exp(-z[at]));
    }
  }
  return y;
}

function numbers(count, low, high) {
  let seed = 1;
  return Float32Array.from({ length: count }, () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return low + ((high - low) * (seed >>> 8)) / 2 ** 24;
  });
}

/** A function that runs one scan of this size each time it is called. */
export function preparePlainScan({ channels, states, length }) {
  const tokens = channels * length;
  const inputs = {
    u: numbers(tokens, -1, 1),
    delta: numbers(tokens, -1, 1),
    z: numbers(tokens, -2, 2),
    a: numbers(channels * states, -7, -1),
    b: numbers(states * length, -1, 1),
    c: numbers(states * length, -1, 1),
    d: numbers(channels, 0.5, 1.5),
    bias: numbers(channels, -5, -2),
    channels,
    states,
    length,
  };
  return () => plainScan(inputs);
}

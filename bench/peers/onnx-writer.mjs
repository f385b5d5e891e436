// Just enough protobuf to write ONNX models (onnx/onnx.proto, IR version 8): nodes with integer, list and text
// attributes, float32 and int64 initialisers, inputs and outputs of fixed shape.

const wireVarint = 0;
const wireBytes = 2;

const attributeTypes = { int: 2, string: 3, ints: 7 };
const elementTypes = { float32: 1, int64: 7 };

function varint(value) {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

const integer = (field, value) => Buffer.concat([varint((field << 3) | wireVarint), varint(value)]);
const bytes = (field, value) => Buffer.concat([varint((field << 3) | wireBytes), varint(value.length), value]);
const text = (field, value) => bytes(field, Buffer.from(value));

function attribute(name, value) {
  if (Array.isArray(value)) {
    return Buffer.concat([text(1, name), ...value.map((item) => integer(8, item)), integer(20, attributeTypes.ints)]);
  }
  if (typeof value === 'string')
    return Buffer.concat([text(1, name), text(4, value), integer(20, attributeTypes.string)]);
  return Buffer.concat([text(1, name), integer(3, value), integer(20, attributeTypes.int)]);
}

function tensor(name, shape, data) {
  const type = data instanceof BigInt64Array ? elementTypes.int64 : elementTypes.float32;
  const raw = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return Buffer.concat([...shape.map((side) => integer(1, side)), integer(2, type), text(8, name), bytes(9, raw)]);
}

function valueInfo(name, shape) {
  const sides = shape.map((side) => bytes(1, integer(1, side)));
  const tensorType = Buffer.concat([integer(1, elementTypes.float32), bytes(2, Buffer.concat(sides))]);
  return Buffer.concat([text(1, name), bytes(2, bytes(1, tensorType))]);
}

/** Collects a graph node by node; `bytes()` gives the model. */
export class OnnxGraph {
  #parts = [];
  #count = 0;
  #constants = new Map();
  #nodes = [];
  #outputs = [];

  input(name, shape) {
    this.#parts.push(bytes(11, valueInfo(name, shape)));
    return name;
  }

  output(name, shape) {
    this.#parts.push(bytes(12, valueInfo(name, shape)));
    this.#outputs.push(name);
  }

  /** A constant: weights, or the lists that some operators want as inputs. Asked for twice, it is written once. */
  constant(name, shape, data) {
    if (this.#constants.has(name)) return name;
    this.#constants.set(name, { shape, data });
    this.#parts.push(bytes(5, tensor(name, shape, data)));
    return name;
  }

  /** Adds an operator and returns the name of its output. */
  node(operator, inputs, attributes = {}, output = `${operator.toLowerCase()}_${this.#count++}`) {
    const fields = [
      ...inputs.map((name) => text(1, name)),
      text(2, output),
      text(3, output),
      text(4, operator),
      ...Object.entries(attributes).map(([name, value]) => bytes(5, attribute(name, value))),
    ];
    this.#parts.push(bytes(1, Buffer.concat(fields)));
    this.#nodes.push({ operator, inputs, attributes, output });
    return output;
  }

  /** The same graph as plain objects, for rivals that do not read ONNX: `constants` is a Map name → { shape, data }. */
  plain() {
    return { nodes: this.#nodes, outputs: this.#outputs, constants: this.#constants };
  }

  /** The ModelProto. */
  bytes(opset = 17) {
    const graph = Buffer.concat([...this.#parts, text(2, 'histojet-bench')]);
    const operators = Buffer.concat([text(1, ''), integer(2, opset)]);
    return Buffer.concat([integer(1, 8), text(2, 'histojet-bench'), bytes(7, graph), bytes(8, operators)]);
  }
}

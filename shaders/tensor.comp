#version 450
// One tensor operation a dispatch: the unfused baseline that bench/fusion.cpp measures the fused kernel against.
// Tensors are [row][chain] in one memory; an operand of one row is broadcast over the rows of the other.

layout(local_size_x = 64) in;

layout(std430, set = 0, binding = 0) buffer Memory { float memory[]; };

layout(push_constant) uniform Push {
  uint operation;
  uint result, a, b;    // first elements
  uint rows, chains;    // of the result; of `a` for a sum
  uint a_rows, b_rows;  // 0: one row, broadcast
  float constant;
} push;

void main() {
  const uint i = gl_GlobalInvocationID.x;
  if (push.operation == 8u) {  // sum over rows
    if (i >= push.chains) return;
    float sum = 0.0;
    for (uint row = 0u; row < push.rows; ++row) sum += memory[push.a + row * push.chains + i];
    memory[push.result + i] = sum;
    return;
  }
  if (i >= push.rows * push.chains) return;
  const uint chain = i % push.chains, row = i / push.chains;
  const float a = memory[push.a + row * push.a_rows * push.chains + chain];
  const float b = memory[push.b + row * push.b_rows * push.chains + chain];
  float value = 0.0;
  switch (push.operation) {
    case 0u: value = a + b; break;
    case 1u: value = a - b; break;
    case 2u: value = a * b; break;
    case 3u: value = a / b; break;
    case 4u: value = exp(a); break;
    case 5u: value = log(a); break;
    case 6u: value = a + push.constant * b; break;
    case 7u: value = a * push.constant; break;
    default: value = a + push.constant; break;
  }
  memory[push.result + i] = value;
}

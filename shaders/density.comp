// Log density and gradient at given points, one an invocation. What stands before this text is made by
// nuts/kernel_source.cpp.

layout(local_size_x = LOCAL_SIZE) in;

layout(std430, set = 0, binding = 0) readonly buffer Points { real points[]; };      // [dimension][count]
layout(std430, set = 0, binding = 1) writeonly buffer Results { real results[]; };   // [1 + dimension][count]
layout(std430, set = 0, binding = 2) buffer Markers { uint markers[]; };             // [count]

layout(push_constant) uniform Push {
  uint count;
  uint stamp;  // what an invocation that was not cut short leaves in its marker
  uint probe;  // 2
} push;

void main() {
  const uint lane = gl_GlobalInvocationID.x;
  if (lane >= push.count) return;
  EACH(d) { model_point[d] = points[uint(d) * push.count + lane]; }
  model_run();
  results[lane] = model_target;
  EACH(d) { results[(uint(d) + 1u) * push.count + lane] = model_gradient[d]; }
  uint trips = 0u;
  for (uint i = 0u; i < push.probe; ++i) trips = trips * 2u + 1u + (i & markers[lane]) * 0u;
  markers[lane] = trips == 3u ? push.stamp : 0u;
}

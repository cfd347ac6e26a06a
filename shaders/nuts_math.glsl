// The few elementary functions that the sampler itself needs, for `real`. In f64, which GLSL leaves without
// them, to about 1e-16; in f32 the driver's own: they decide acceptances, never a density.
#ifdef DREY_F64
real nuts_exp(real x) {
  x = clamp(x, -708.0lf, 708.0lf);
  const double k = roundEven(x * 1.4426950408889634lf);
  const double r = (x - k * 6.93147180369123816490e-01lf) - k * 1.90821492927058770002e-10lf;
  double s = 1.0lf / 6227020800.0lf;
  s = s * r + 1.0lf / 479001600.0lf;
  s = s * r + 1.0lf / 39916800.0lf;
  s = s * r + 1.0lf / 3628800.0lf;
  s = s * r + 1.0lf / 362880.0lf;
  s = s * r + 1.0lf / 40320.0lf;
  s = s * r + 1.0lf / 5040.0lf;
  s = s * r + 1.0lf / 720.0lf;
  s = s * r + 1.0lf / 120.0lf;
  s = s * r + 1.0lf / 24.0lf;
  s = s * r + 1.0lf / 6.0lf;
  s = s * r + 0.5lf;
  s = s * r + 1.0lf;
  s = s * r + 1.0lf;
  return s * packDouble2x32(uvec2(0u, uint(int(k) + 1023) << 20));
}

// x positive, finite and normal.
real nuts_log(real x) {
  uvec2 bits = unpackDouble2x32(x);
  int exponent = int(bits.y >> 20) - 1023;
  double m = packDouble2x32(uvec2(bits.x, (bits.y & 0x000FFFFFu) | 0x3FF00000u));
  if (m > 1.4142135623730951lf) {
    m *= 0.5lf;
    exponent += 1;
  }
  const double s = (m - 1.0lf) / (m + 1.0lf);
  const double z = s * s;
  double t = 1.0lf / 23.0lf;
  t = t * z + 1.0lf / 21.0lf;
  t = t * z + 1.0lf / 19.0lf;
  t = t * z + 1.0lf / 17.0lf;
  t = t * z + 1.0lf / 15.0lf;
  t = t * z + 1.0lf / 13.0lf;
  t = t * z + 1.0lf / 11.0lf;
  t = t * z + 1.0lf / 9.0lf;
  t = t * z + 1.0lf / 7.0lf;
  t = t * z + 1.0lf / 5.0lf;
  t = t * z + 1.0lf / 3.0lf;
  return double(exponent) * 6.93147180559945286227e-01lf + (2.0lf * s + 2.0lf * s * z * t);
}

// (cos, sin) of 2 pi u, u in [0, 1].
dvec2 nuts_circle(real u) {
  const double quarter = roundEven(u * 4.0lf);
  const double x = (u * 4.0lf - quarter) * 1.5707963267948966lf;
  const double z = x * x;
  double s = -1.0lf / 1307674368000.0lf;
  s = s * z + 1.0lf / 6227020800.0lf;
  s = s * z - 1.0lf / 39916800.0lf;
  s = s * z + 1.0lf / 362880.0lf;
  s = s * z - 1.0lf / 5040.0lf;
  s = s * z + 1.0lf / 120.0lf;
  s = s * z - 1.0lf / 6.0lf;
  s = s * z * x + x;
  double c = 1.0lf / 20922789888000.0lf;
  c = c * z - 1.0lf / 87178291200.0lf;
  c = c * z + 1.0lf / 479001600.0lf;
  c = c * z - 1.0lf / 3628800.0lf;
  c = c * z + 1.0lf / 40320.0lf;
  c = c * z - 1.0lf / 720.0lf;
  c = c * z + 1.0lf / 24.0lf;
  c = c * z - 0.5lf;
  c = c * z + 1.0lf;
  const int turn = int(quarter) & 3;
  const dvec2 even = (turn & 1) == 0 ? dvec2(c, s) : dvec2(-s, c);
  return turn >= 2 ? -even : even;
}
#else
real nuts_exp(real x) { return exp(x); }
real nuts_log(real x) { return log(x); }
vec2 nuts_circle(real u) { return vec2(cos(6.283185307179586 * u), sin(6.283185307179586 * u)); }
#endif

// Two standard normals from two words: Box and Muller (1958).
real2 nuts_normals(uint a, uint b) {
  return sqrt(real(-2.0) * nuts_log(drey_uniform(a))) * nuts_circle(drey_uniform(b));
}

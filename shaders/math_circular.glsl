// Circular and hyperbolic functions, their inverses, roots and pieces.

real drey_square(real x) { return x * x; }

real drey_min(real a, real b) { return a < b || isnan(a) ? a : b; }

real drey_max(real a, real b) { return a > b || isnan(a) ? a : b; }

// Half away from zero, as C has it.
real drey_round(real x) {
  const real whole = trunc(x);
  precise real rest = x - whole;
  return abs(rest) >= real(0.5) ? whole + sign(x) : whole;
}

#ifdef DREY_F64
// (sin(x) / x - 1) / x^2 as a function of z = x^2, |x| <= pi / 4.
double drey_sin_series(double z) {
  const double z2 = z * z;
  const double z4 = z2 * z2;
  return (1.5919025288116832e-10lf * z - 2.5051147729020182e-08lf) * z4 + ((2.7557316205203316e-06lf * z -
      0.00019841269837049915lf) * z2 + (0.008333333333331288lf * z - 0.16666666666666666lf));
}

// (cos(x) - 1 + x^2 / 2) / x^4 likewise.
double drey_cos_series(double z) {
  const double z2 = z * z;
  const double z4 = z2 * z2;
  return (-1.1381441673678727e-11lf * z + 2.0876126379138668e-09lf) * z4 + ((-2.7557317151089723e-07lf * z +
      2.4801587298446158e-05lf) * z2 + (-0.0013888888888887053lf * z + 0.041666666666666664lf));
}

// x = k pi/2 + r; the remainder in two parts. pi/2 in pieces of 33 bits (fdlibm's e_rem_pio2.c).
double drey_circle_split(double x, out uint quadrant, out double low) {
  precise double t = x * 0.63661977236758138lf + DREY_ROUNDER;
  precise double k = t - DREY_ROUNDER;
  precise double a = x - k * 1.57079632673412561417e+00lf;
  precise double b = k * 6.07710050630396597660e-11lf;
  precise double c = a - b;
  precise double d = (a - c) - b;
  precise double e = k * 2.02226624871116645580e-21lf;
  precise double f = c - e;
  precise double g = (c - f) - e;
  precise double h = k * 8.47842766036889956997e-32lf;
  low = (g + d) - h;
  quadrant = unpackDouble2x32(t).x & 3u;
  return f;
}
#define DREY_CIRCLE_MAX 1e9lf
#else
// (sin(x) / x - 1) / x^2 as a function of z = x^2, |x| <= pi / 4.
float drey_sin_series(float z) {
  return (-0.000195834597 * z + 0.00833271537) * z - 0.166666642;
}

// (cos(x) - 1 + x^2 / 2) / x^4 likewise.
float drey_cos_series(float z) {
  return (2.45436768e-05 * z - 0.00138882711) * z + 0.0416666642;
}

// x = k pi/2 + r; the remainder in two parts. pi/2 in pieces of 8 to 11 bits, exact times k up to 2^13.
float drey_circle_split(float x, out uint quadrant, out float low) {
  precise float t = x * 0.636619772 + DREY_ROUNDER;
  precise float k = t - DREY_ROUNDER;
  precise float a = x - k * 1.5703125;
  precise float b = a - k * 4.837512969970703125e-4;
  precise float c = k * 7.54953362047672271728515625e-8;
  precise float d = b - c;
  precise float e = (b - d) - c;
  precise float f = k * 2.56334415159451879e-12;
  precise float g = d + (e - f);
  low = (d - g) + (e - f);
  quadrant = uint(floatBitsToInt(t)) & 3u;
  return g;
}
#define DREY_CIRCLE_MAX 1e4
#endif

// sin and cos of r + low, |r| <= pi / 4.
real drey_sin_core(real r, real low) {
  const real z = r * r;
  return r + (r * z * drey_sin_series(z) + low);
}

real drey_cos_core(real r, real low) {
  const real z = r * r;
  const real half_square = real(0.5) * z;
  precise real w = real(1.0) - half_square;
  precise real lost = (real(1.0) - w) - half_square;
  return w + (lost + (z * z * drey_cos_series(z) - r * low));
}

real drey_sin(real x) {
  uint quadrant;
  real low;
  const real r = drey_circle_split(x, quadrant, low);
  const real y = (quadrant & 1u) == 0u ? drey_sin_core(r, low) : drey_cos_core(r, low);
  return (quadrant & 2u) == 0u ? y : -y;
}

real drey_cos(real x) {
  uint quadrant;
  real low;
  const real r = drey_circle_split(x, quadrant, low);
  const real y = (quadrant & 1u) == 0u ? drey_cos_core(r, low) : drey_sin_core(r, low);
  return quadrant == 1u || quadrant == 2u ? -y : y;
}

real drey_tan(real x) {
  uint quadrant;
  real low;
  const real r = drey_circle_split(x, quadrant, low);
  const real s = drey_sin_core(r, low), c = drey_cos_core(r, low);
  return (quadrant & 1u) == 0u ? s / c : -c / s;
}

real drey_tanh(real x) {
  const real a = abs(x);
  const real e = drey_expm1(real(-2.0) * a);
  const real y = -e / (real(2.0) + e);
  return x < real(0.0) ? -y : y;
}

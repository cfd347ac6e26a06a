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

// pi/2 in pieces of 27 bits, whose products with k up to 2^26 are exact, and a rest.
#define DREY_QUARTER_1 1.570796325802803lf
#define DREY_QUARTER_2 9.9209357395935172e-10lf
#define DREY_QUARTER_3 5.7211887096635749e-18lf
#define DREY_QUARTER_4 1.6446256936324258e-26lf
#define DREY_QUADRANTS 0.63661977236758138lf

uint drey_low_bits(double t) { return unpackDouble2x32(t).x; }
#else
// (sin(x) / x - 1) / x^2 as a function of z = x^2, |x| <= pi / 4.
float drey_sin_series(float z) {
  return (-0.000195834597 * z + 0.00833271537) * z - 0.166666642;
}

// (cos(x) - 1 + x^2 / 2) / x^4 likewise.
float drey_cos_series(float z) {
  return (2.45436768e-05 * z - 0.00138882711) * z + 0.0416666642;
}

// pi/2 in pieces of 11 bits, whose products with k up to 2^13 are exact, and a rest.
#define DREY_QUARTER_1 1.5703125
#define DREY_QUARTER_2 4.837512969970703125e-4
#define DREY_QUARTER_3 7.5495336204767227e-8
#define DREY_QUARTER_4 2.56334415159451879e-12
#define DREY_QUADRANTS 0.636619772

uint drey_low_bits(float t) { return uint(floatBitsToInt(t)); }
#endif

// x = k pi/2 + r + low, |r| <= pi / 4; k as its last two bits. Right to the last bit while k is as small as the
// pieces want it, |x| up to 1.2e4 in f32 and 1e8 in f64; beyond, r errs more and more.
real drey_circle_split(real x, out uint quadrant, out real low) {
  precise real t = x * DREY_QUADRANTS + DREY_ROUNDER;
  precise real k = t - DREY_ROUNDER;
  precise real a = (x - k * DREY_QUARTER_1) - k * DREY_QUARTER_2;
  precise real b = k * DREY_QUARTER_3;
  precise real c = a - b;
  precise real lost = (a - c) - b;
  precise real rest = lost - k * DREY_QUARTER_4;
  precise real r = c + rest;
  low = (c - r) + rest;
  quadrant = drey_low_bits(t) & 3u;
  return r;
}

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

real drey_sinh(real x) {
  const real a = abs(x);
  const real e = drey_expm1(a);
  // Where exp overflows, a half of it twice.
  const real root = drey_exp(real(0.5) * a);
  const real y = a > DREY_EXP_MAX ? (real(0.5) * root) * root : real(0.5) * (e + e / (real(1.0) + e));
  return x < real(0.0) ? -y : y;
}

real drey_cosh(real x) {
  const real a = abs(x);
  const real root = drey_exp(real(0.5) * a);
  const real e = drey_exp(a);
  return a > DREY_EXP_MAX ? (real(0.5) * root) * root : real(0.5) * e + real(0.5) / e;
}

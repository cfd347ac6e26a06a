// Powers, with the logarithm carried in two parts so that large exponents do not enlarge its error; roots.

// The leading half of a number's bits: the product of two such halves is exact.
#ifdef DREY_F64
double drey_leading(double x) {
  const uvec2 bits = unpackDouble2x32(x);
  return packDouble2x32(uvec2(bits.x & 0xF8000000u, bits.y));
}
#else
float drey_leading(float x) { return intBitsToFloat(floatBitsToInt(x) & 0xFFFFF000); }

// (log((1 + s) / (1 - s)) - 2 s) / s^3 as a function of z = s^2, 0 <= z <= 0.0295.
float drey_atanh_series(float z) {
  return ((0.233329132 * z + 0.285507321) * z + 0.400001228) * z + 0.666666687;
}
#endif

// What x * y loses in rounding (Dekker 1971), no overflow.
real drey_product_error(real x, real y) {
  precise real x1 = drey_leading(x), y1 = drey_leading(y);
  precise real x2 = x - x1, y2 = y - y1;
  precise real product = x * y;
  precise real error = ((x1 * y1 - product) + x1 * y2 + x2 * y1) + x2 * y2;
  return error;
}

// What x * x loses, |x| < 2^60.
real drey_square_error(real x) { return drey_product_error(x, x); }

// log(x) = result + low, to about half as many bits again as a number has; x positive and normal.
real drey_log_extended(real x, out real low) {
  real k;
  const real f = drey_log_split(x, k);
  precise real divisor = real(2.0) + f;
  precise real s = f / divisor;
  precise real s1 = drey_leading(s);
  precise real d1 = drey_leading(divisor);
  precise real d2 = f - (d1 - real(2.0));
  precise real s2 = ((f - s1 * d1) - s1 * d2) / divisor;
  const real z = s * s;
  const real series = s * z * drey_atanh_series(z);
  precise real small = real(2.0) * s2 + series;
  precise real a = k * DREY_LN2_HIGH, b = real(2.0) * s1;
  precise real high = a + b;
  precise real rest = ((b - (high - a)) + k * DREY_LN2_LOW) + small;
  precise real sum = high + rest;
  low = rest - (sum - high);
  return sum;
}

// a^b for a > 0.
real drey_pow_positive(real a, real b) {
  // An exponent beyond these takes every a but 1 to 0 or infinity.
#ifdef DREY_F64
  const real limit = 1e20lf;
#else
  const real limit = 1e11;
#endif
  const real exponent = b > limit ? limit : b < -limit ? -limit : b;
  real low;
  const real high = drey_log_extended(a, low);
  precise real product = exponent * high;
  precise real rest = drey_product_error(exponent, high) + exponent * low;
  const real y = drey_exp(product);
  const real result = y < DREY_INFINITY ? y + y * rest : y;
  return a < DREY_INFINITY ? result : (b > real(0.0) ? DREY_INFINITY : real(0.0));
}

// As C's pow, but for the signs of zeros.
real drey_pow(real a, real b) {
  if (b == real(0.0) || a == real(1.0)) return real(1.0);
  if (isnan(a) || isnan(b)) return DREY_NAN;
  if (abs(a) < DREY_SMALLEST) return b > real(0.0) ? real(0.0) : DREY_INFINITY;
  const real y = drey_pow_positive(abs(a), b);
  if (a > real(0.0)) return y;
  if (b != floor(b) && abs(a) < DREY_INFINITY) return DREY_NAN;
  const real half_b = real(0.5) * b;
  return half_b == floor(half_b) || b != floor(b) ? y : -y;
}

// The exponent divided by 3, then Halley's iteration.
real drey_cbrt(real x) {
  // Scaled where sums of two such numbers could overflow.
  const bool large = abs(x) > real(1e30);
  const real a = large ? abs(x) * real(9.31322574615478515625e-10lf) : abs(x);
#ifdef DREY_F64
  double t = packDouble2x32(uvec2(0u, unpackDouble2x32(a).y / 3u + 715094163u));
  double cube = t * t * t;
  t *= (cube + 2.0lf * a) / (2.0lf * cube + a);
  cube = t * t * t;
  t *= (cube + 2.0lf * a) / (2.0lf * cube + a);
#else
  float t = uintBitsToFloat(floatBitsToUint(a) / 3u + 709958130u);
  float cube = t * t * t;
  t *= (cube + 2.0 * a) / (2.0 * cube + a);
#endif
  // The last step as a small correction.
  precise real third = t * t;
  precise real residue = a - third * t;
  residue -= drey_product_error(third, t) + t * drey_square_error(t);
  const real root = t + residue / (real(3.0) * third);
  const real y = large ? root * real(1024.0) : root;
  return a >= DREY_SMALLEST && a < DREY_INFINITY ? (x < real(0.0) ? -y : y) : x;
}

real drey_hypot(real a, real b) {
  const real p = abs(a), q = abs(b);
  const real high = p > q ? p : q, low = p > q ? q : p;
  if (p == DREY_INFINITY || q == DREY_INFINITY) return DREY_INFINITY;
  if (high == real(0.0)) return p + q;
  const real ratio = low / high;
  return high * sqrt(real(1.0) + ratio * ratio);
}

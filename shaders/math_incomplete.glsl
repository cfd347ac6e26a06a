// Incomplete gamma and beta functions and their derivatives in the parameters.
//
// The loops are bounded: a call makes at most DREY_GAMMA_TRIPS or DREY_BETA_TRIPS trips in one loop.

#ifdef DREY_F64
#define DREY_GAMMA_TRIPS 112
#define DREY_BETA_TRIPS 256
#define DREY_SERIES_TRIPS 90
#define DREY_FRACTION_BASE 24.0lf
#define DREY_FRACTION_SLOPE 86.0lf
#define DREY_BETA_BASE 42.0lf
#define DREY_BETA_SLOPE 1.4lf

#define drey_atanh_wide drey_atanh_series_wide

// sum over k of c_k(z) w^k of Temme's uniform expansion for a > 20, w = 1 / a, and its derivatives: DiDonato and
// Morris, "Computation of the incomplete gamma function ratios and their inverse", ACM TOMS 12 (1986).
double drey_temme(double z, double w, out double in_z, out double in_w) {
  const double c0 = (((((((((((((9.1476995822367902e-10lf * z - 4.3820360184533529e-09lf) * z +
      1.0261809784240309e-08lf) * z + 6.7078535434014984e-09lf) * z - 1.7665952736826078e-07lf) * z +
      8.2967113409530865e-07lf) * z - 1.85406221071516e-06lf) * z - 2.1854485106799924e-06lf) * z +
      3.9192631785224377e-05lf) * z - 0.0001787551440329218lf) * z + 0.00035273368606701942lf) * z +
      0.0011574074074074073lf) * z - 0.014814814814814815lf) * z + 0.083333333333333329lf) * z -
      0.33333333333333331lf;
  const double c1 = (((((((((((1.1951628599778148e-08lf * z - 5.7525456035177047e-08lf) * z +
      1.3786334469157209e-07lf) * z + 4.647127802807434e-09lf) * z - 1.6120900894563446e-06lf) * z +
      7.6491609160811098e-06lf) * z - 1.8098550334489977e-05lf) * z - 4.018775720164609e-07lf) * z +
      0.00020576131687242798lf) * z - 0.00099022633744855963lf) * z + 0.0026455026455026454lf) * z -
      0.003472222222222222lf) * z - 0.0018518518518518519lf;
  const double c2 = (((((((((1.4280614206064242e-07lf * z - 6.2989921383800548e-07lf) * z +
      1.3721957309062932e-06lf) * z + 3.4235787340961378e-08lf) * z - 1.2760635188618728e-05lf) * z +
      5.2923448829120125e-05lf) * z - 0.00010736653226365161lf) * z + 2.0093878600823047e-06lf) * z +
      0.0007716049382716049lf) * z - 0.0026813271604938273lf) * z + 0.0041335978835978834lf;
  const double c3 = (((((((1.4230900732435883e-06lf * z - 5.6749528269915965e-06lf) * z +
      1.1082654115347302e-05lf) * z - 2.3965051138672968e-07lf) * z - 7.5618016718839766e-05lf) * z +
      0.00026772063206283885lf) * z - 0.0004691894943952557lf) * z + 0.00022947209362139917lf) * z +
      0.00064943415637860077lf;
  const double c4 = (((((1.1375726970678419e-05lf * z - 3.9683650471794347e-05lf) * z +
      6.6414982154651219e-05lf) * z - 1.4638452578843418e-06lf) * z - 0.00029907248030319018lf) * z +
      0.00078403922172006662lf) * z - 0.00086188829091671173lf;
  const double c5 = (((((((-2.2914811765080952e-06lf * z + 8.018470256334202e-06lf) * z -
      1.3594048189768693e-05lf) * z + 1.4190629206439671e-07lf) * z + 6.797780477937208e-05lf) * z -
      0.00019932570516188847lf) * z + 0.00027727532449593918lf) * z - 6.9728137583658585e-05lf) * z -
      0.00033679855336635813lf;
  const double c6 = (((((-1.8329116582843375e-05lf * z + 5.6116827531062497e-05lf) * z -
      8.1539693675619691e-05lf) * z + 7.9023532326603281e-07lf) * z + 0.0002708782096718045lf) * z -
      0.00059216643735369393lf) * z + 0.00053130793646399225lf;
  const double c7 = (((-0.00010976582244684731lf * z + 0.00028126951547632369lf) * z -
      0.00033493161081142234lf) * z + 5.1717909082605919e-05lf) * z + 0.00034436760689237765lf;
  const double c8 = (-0.00043829709854172099lf * z + 0.00083949872067208726lf) * z - 0.00065262391859530937lf;
  const double c9 = -0.00059676129019274626lf;
  const double d0 = ((((((((((((1.2806779415131507e-08lf * z - 5.6966468239893593e-08lf) * z +
      1.231417174108837e-07lf) * z + 7.3786388977416478e-08lf) * z - 1.7665952736826078e-06lf) * z +
      7.4670402068577778e-06lf) * z - 1.483249768572128e-05lf) * z - 1.5298139574759944e-05lf) * z +
      0.00023515579071134627lf) * z - 0.00089377572016460902lf) * z + 0.0014109347442680777lf) * z +
      0.003472222222222222lf) * z - 0.029629629629629631lf) * z + 0.083333333333333329lf;
  const double d1 = ((((((((((1.4341954319733777e-07lf * z - 6.3278001638694756e-07lf) * z +
      1.378633446915721e-06lf) * z + 4.182415022526691e-08lf) * z - 1.2896720715650757e-05lf) * z +
      5.3544126412567772e-05lf) * z - 0.00010859130200693987lf) * z - 2.0093878600823047e-06lf) * z +
      0.00082304526748971192lf) * z - 0.0029706790123456791lf) * z + 0.0052910052910052907lf) * z -
      0.003472222222222222lf;
  const double d2 = ((((((((1.4280614206064243e-06lf * z - 5.6690929245420492e-06lf) * z +
      1.0977565847250346e-05lf) * z + 2.3965051138672968e-07lf) * z - 7.6563811131712367e-05lf) * z +
      0.00026461724414560063lf) * z - 0.00042946612905460645lf) * z + 6.0281635802469132e-06lf) * z +
      0.0015432098765432098lf) * z - 0.0026813271604938273lf;
  const double d3 = ((((((1.1384720585948707e-05lf * z - 3.9724669788941176e-05lf) * z +
      6.6495924692083815e-05lf) * z - 1.1982525569336483e-06lf) * z - 0.00030247206687535906lf) * z +
      0.00080316189618851656lf) * z - 0.0009383789887905114lf) * z + 0.00022947209362139917lf;
  const double d4 = ((((6.8254361824070516e-05lf * z - 0.00019841825235897173lf) * z +
      0.00026565992861860488lf) * z - 4.3915357736530254e-06lf) * z - 0.00059814496060638035lf) * z +
      0.00078403922172006662lf;
  const double d5 = ((((((-1.8331849412064761e-05lf * z + 5.6129291794339407e-05lf) * z -
      8.1564289138612162e-05lf) * z + 7.0953146032198351e-07lf) * z + 0.00027191121911748832lf) * z -
      0.00059797711548566549lf) * z + 0.00055455064899187837lf) * z - 6.9728137583658585e-05lf;
  const double d6 = ((((-0.00010997469949706025lf * z + 0.00028058413765531251lf) * z -
      0.00032615877470247877lf) * z + 2.3707059697980986e-06lf) * z + 0.000541756419343609lf) * z -
      0.00059216643735369393lf;
  const double d7 = ((-0.00043906328978738924lf * z + 0.00084380854642897112lf) * z -
      0.00066986322162284468lf) * z + 5.1717909082605919e-05lf;
  const double d8 = -0.00087659419708344198lf * z + 0.00083949872067208726lf;
  in_z = (((((((d8 * w + d7) * w + d6) * w + d5) * w + d4) * w + d3) * w + d2) * w + d1) * w + d0;
  in_w = ((((((((9.0lf * c9) * w + 8.0lf * c8) * w + 7.0lf * c7) * w + 6.0lf * c6) * w + 5.0lf * c5) * w +
      4.0lf * c4) * w + 3.0lf * c3) * w + 2.0lf * c2) * w + c1;
  return ((((((((c9 * w + c8) * w + c7) * w + c6) * w + c5) * w + c4) * w + c3) * w + c2) * w + c1) * w + c0;
}
#else
#define DREY_GAMMA_TRIPS 40
#define DREY_BETA_TRIPS 128
#define DREY_SERIES_TRIPS 40
#define DREY_FRACTION_BASE 12.0
#define DREY_FRACTION_SLOPE 19.0
#define DREY_BETA_BASE 18.0
#define DREY_BETA_SLOPE 0.8

// (log((1 + s) / (1 - s)) - 2 s) / s^3 as a function of z = s^2, 0 <= z <= 1/9.
float drey_atanh_wide(float z) {
  return ((((0.207876176 * z + 0.174647018) * z + 0.222647116) * z + 0.285703063) * z + 0.400000095) * z +
      0.666666687;
}

// sum over k of c_k(z) w^k of Temme's uniform expansion for a > 20, w = 1 / a, and its derivatives: DiDonato and
// Morris, "Computation of the incomplete gamma function ratios and their inverse", ACM TOMS 12 (1986).
float drey_temme(float z, float w, out float in_z, out float in_w) {
  const float c0 = (((((3.91926333e-05 * z - 0.000178755145) * z + 0.000352733681) * z + 0.00115740742) * z -
      0.0148148146) * z + 0.0833333358) * z - 0.333333343;
  const float c1 = (((0.000205761316 * z - 0.000990226283) * z + 0.00264550257) * z - 0.00347222225) * z -
      0.00185185182;
  const float c2 = (0.000771604944 * z - 0.00268132705) * z + 0.00413359795;
  const float d0 = ((((0.000235155792 * z - 0.000893775723) * z + 0.00141093472) * z + 0.00347222225) * z -
      0.0296296291) * z + 0.0833333358;
  const float d1 = ((0.000823045266 * z - 0.00297067896) * z + 0.00529100513) * z - 0.00347222225;
  const float d2 = 0.00154320989 * z - 0.00268132705;
  in_z = (d2 * w + d1) * w + d0;
  in_w = (2.0 * c2) * w + c1;
  return (c2 * w + c1) * w + c0;
}
#endif
#define DREY_SQRT_2PI real(2.5066282746310005lf)

// m - log(1 + m), m > -1.
real drey_log1p_excess(real m) {
  if (m > real(-0.5) && m < real(1.0)) {
    const real s = m / (real(2.0) + m);
    const real z = s * s;
    return s * (m - z * drey_atanh_wide(z));
  }
  return m - drey_log1p(m);
}

// x / a - 1 - log(x / a); x / a - 1 itself would have lost a small x.
real drey_gamma_excess(real a, real x) {
  return x < real(0.5) * a ? (x - a) / a - drey_log(x / a) : drey_log1p_excess((x - a) / a);
}

// lgamma(1 + a), 0 < a <= 1, good for small a too.
real drey_lgamma1p(real a) {
  const bool small = a < real(0.25);
  const real t = small ? a : a - real(1.0);
  const real y = t * drey_lgamma_series(t);
  return small ? y - drey_log1p(a) : y;
}

// x^a exp(-x) / gamma(a + 1).
real drey_gamma_prefix(real a, real x) {
  if (a >= DREY_STIRLING)
    return drey_exp(-(a * drey_gamma_excess(a, x) + drey_stirling(a))) / (DREY_SQRT_2PI * sqrt(a));
  // In two halves, so that neither factor is subnormal where the product is not.
  const real half_exp = drey_exp(real(-0.5) * x);
  return drey_pow_positive(x, a) * half_exp * half_exp * 
         drey_exp(-(a < real(1.0) ? drey_lgamma1p(a) : drey_lgamma_positive(a + real(1.0))));
}

// gamma_p / prefix: DLMF 8.11.4.
real drey_gamma_series(real a, real x) {
  real term = real(1.0), sum = real(1.0);
  for (int n = 1; n <= DREY_SERIES_TRIPS; ++n) {
    term *= x / (a + real(n));
    sum += term;
    if (term <= real(0.25) * DREY_EPSILON * sum) break;
  }
  return sum;
}

// Steps that the continued fraction of gamma_q needs; from x = 1 on.
int drey_fraction_steps(real x) {
  return int(min(DREY_FRACTION_BASE + DREY_FRACTION_SLOPE / x, real(DREY_GAMMA_TRIPS)));
}

// gamma_q / (a prefix) = 1 / result: DLMF 8.9.2, backwards.
real drey_gamma_fraction(real a, real x) {
  const int steps = drey_fraction_steps(x);
  real f = x + real(2 * steps + 1) - a;
  for (int n = steps; n > 0; --n) f = (x + real(2 * n - 1) - a) + real(n) * (a - real(n)) / f;
  return f;
}

// Whether Temme's expansion holds; whether the series does, else the continued fraction.
bool drey_gamma_uniform(real a, real x) { return a > real(20.0) && abs(x - a) < real(0.4lf) * a; }
bool drey_gamma_below(real a, real x) { return a < real(1.0) ? x < real(1.0) : x < a + real(1.0); }

// The logarithm of x^a exp(-x) / gamma(a + 1), x > 0.
real drey_log_gamma_prefix(real a, real x) {
  if (a >= DREY_STIRLING)
    return -(a * drey_gamma_excess(a, x) + drey_stirling(a)) - drey_log(DREY_SQRT_2PI * sqrt(a));
  return (a * drey_log(x) - x) - (a < real(1.0) ? drey_lgamma1p(a) : drey_lgamma_positive(a + real(1.0)));
}

// gamma_q for a < 1, x < 1, where gamma_p may be close to 1: 1 - x^a / gamma(1 + a) (1 + sum a (-x)^n / ((a + n) n!));
// `below` is gamma_p.
real drey_gamma_q_small(real a, real x, out real below) {
  const real l = a * drey_log(x) - drey_lgamma1p(a);
  real term = real(1.0), sum = real(0.0);
  for (int n = 1; n <= 20; ++n) {
    term *= -x / real(n);
    sum += term / (a + real(n));
  }
  const real rest = drey_exp(l) * (a * sum);
  below = drey_exp(l) + rest;
  return -drey_expm1(l) - rest;
}

// The regularised incomplete gamma function, upper or lower.
real drey_gamma_pq(real a, real x, bool upper) {
  if (!(a > real(0.0) && x >= real(0.0) && a < DREY_INFINITY)) return DREY_NAN;
  if (x == real(0.0) || x == DREY_INFINITY) return (x == real(0.0)) == upper ? real(1.0) : real(0.0);
  real y;
  bool is_upper = true;
  if (drey_gamma_uniform(a, x)) {
    is_upper = x >= a;
    const real phi = drey_log1p_excess((x - a) / a);
    const real z = sqrt(real(2.0) * phi);
    real in_z, in_w;
    const real s = drey_temme(is_upper ? z : -z, real(1.0) / a, in_z, in_w) / (DREY_SQRT_2PI * sqrt(a));
    y = drey_exp(-(a * phi)) * (real(0.5) * drey_erfcx_core(sqrt(a * phi)) + (is_upper ? s : -s));
  } else if (!drey_gamma_below(a, x)) {
    y = drey_gamma_prefix(a, x) * (a / drey_gamma_fraction(a, x));
  } else if (a < real(1.0) && upper) {
    real below;
    y = drey_gamma_q_small(a, x, below);
  } else {
    is_upper = false;
    y = drey_gamma_prefix(a, x) * drey_gamma_series(a, x);
  }
  return is_upper == upper ? y : real(1.0) - y;
}

real drey_gamma_p(real a, real x) { return drey_gamma_pq(a, x, false); }

real drey_gamma_q(real a, real x) { return drey_gamma_pq(a, x, true); }

// The derivative of gamma_q in a: of each of the forms above.
real drey_gamma_q_da(real a, real x) {
  if (!(a > real(0.0) && x >= real(0.0) && a < DREY_INFINITY)) return DREY_NAN;
  if (x == real(0.0) || x == DREY_INFINITY) return real(0.0);
  const real l = drey_log(x);
  if (drey_gamma_uniform(a, x)) {
    const real m = (x - a) / a;
    const real phi = drey_log1p_excess(m);
    const real size = sqrt(real(2.0) * phi);
    const real z = m < real(0.0) ? -size : size;
    const real w = real(1.0) / a;
    // d z / d a = -m / (a z); m / z tends to 1.
    const real dz = -w * (abs(m) < DREY_EPSILON ? real(1.0) : m / z);
    real in_z, in_w;
    const real s = drey_temme(z, w, in_z, in_w);
    const real root = sqrt(a);
    // d/da of erfc(z sqrt(a / 2)) / 2, and of exp(-a phi) / sqrt(2 pi a) s; -a phi has derivative log(x / a).
    const real main = -(root * dz + real(0.5) * z / root);
    const real rest = ((drey_log1p(m) - real(0.5) * w) * s + in_z * dz - w * w * in_w) / root;
    return drey_exp(-(a * phi)) / DREY_SQRT_2PI * (main + rest);
  }
  if (!drey_gamma_below(a, x)) {
    const int steps = drey_fraction_steps(x);
    real f = x + real(2 * steps + 1) - a, df = real(-1.0);
    for (int n = steps; n > 0; --n) {
      const real inverse = real(1.0) / f;
      const real above = real(n) * (a - real(n)) * inverse;
      df = real(-1.0) + (real(n) - above * df) * inverse;
      f = (x + real(2 * n - 1) - a) + above;
    }
    const real y = drey_gamma_prefix(a, x) * (a / f);
    return y * ((l - drey_digamma_positive(a)) - df / f);
  }
  real term = real(1.0), psi = drey_digamma_positive(a + real(1.0)), sum = l - psi;
  for (int n = 1; n <= DREY_SERIES_TRIPS; ++n) {
    const real inverse = real(1.0) / (a + real(n));
    term *= x * inverse;
    psi += inverse;
    const real add = term * (l - psi);
    sum += add;
    if (abs(add) <= real(0.25) * DREY_EPSILON * abs(sum) && real(n) > x - a) break;
  }
  return -drey_gamma_prefix(a, x) * sum;
}

// The logarithm of the tail that is computed at (a, x), gamma_q where `is_upper`, and its derivative in a or the size of
// that in x (`by` 1 or 2): each of the forms above without its exponential factor, which the derivatives do not have.
real drey_log_gamma_tail(real a, real x, int by, out bool is_upper, out real slope) {
  slope = real(0.0);
  if (drey_gamma_uniform(a, x)) {
    const real m = (x - a) / a;
    is_upper = m >= real(0.0);
    const real phi = drey_log1p_excess(m);
    const real size = sqrt(real(2.0) * phi);
    const real z = is_upper ? size : -size;
    const real w = real(1.0) / a, root = sqrt(a);
    real in_z, in_w;
    const real s = drey_temme(z, w, in_z, in_w);
    const real part = s / (DREY_SQRT_2PI * root);
    const real rest = real(0.5) * drey_erfcx_core(sqrt(a * phi)) + (is_upper ? part : -part);
    if (by == 2) slope = drey_exp(-drey_stirling(a)) * root / (DREY_SQRT_2PI * x * rest);
    if (by == 1) {
      const real dz = -w * (abs(m) < DREY_EPSILON ? real(1.0) : m / z);
      const real d = -(root * dz + real(0.5) * z / root) +
                     ((drey_log1p(m) - real(0.5) * w) * s + in_z * dz - w * w * in_w) / root;
      slope = (is_upper ? d : -d) / (DREY_SQRT_2PI * rest);
    }
    return drey_log(rest) - a * phi;
  }
  const real l = drey_log(x);
  is_upper = !drey_gamma_below(a, x);
  if (is_upper) {
    const int steps = drey_fraction_steps(x);
    real f = x + real(2 * steps + 1) - a, df = real(-1.0);
    for (int n = steps; n > 0; --n) {
      const real inverse = real(1.0) / f;
      const real above = real(n) * (a - real(n)) * inverse;
      df = real(-1.0) + (real(n) - above * df) * inverse;
      f = (x + real(2 * n - 1) - a) + above;
    }
    slope = by == 2 ? f / x : by == 1 ? (l - drey_digamma_positive(a)) - df / f : real(0.0);
    return drey_log_gamma_prefix(a, x) + drey_log(a / f);
  }
  const real first = by == 1 ? l - drey_digamma_positive(a + real(1.0)) : real(0.0);
  real term = real(1.0), psi = real(0.0), sum = real(1.0), lost = real(0.0);
  for (int n = 1; n <= DREY_SERIES_TRIPS; ++n) {
    const real inverse = real(1.0) / (a + real(n));
    term *= x * inverse;
    psi += inverse;
    sum += term;
    lost += term * psi;
    if (term * (real(1.0) + psi) <= real(0.25) * DREY_EPSILON * sum) break;
  }
  slope = by == 2 ? a / (x * sum) : first - lost / sum;
  return drey_log_gamma_prefix(a, x) + drey_log(sum);
}

// log gamma_q or log gamma_p, or a derivative of it; the one in x without its sign.
real drey_log_gamma_pq(real a, real x, bool upper, int by) {
  if (!(a > real(0.0) && x >= real(0.0) && a < DREY_INFINITY)) return DREY_NAN;
  if (x == real(0.0) || x == DREY_INFINITY) {
    // At the end where the logarithm is 0; its density there; at the other end.
    const real density = x > real(0.0) || a > real(1.0) ? real(0.0) : a == real(1.0) ? real(1.0) : DREY_INFINITY;
    if ((x == real(0.0)) == upper) return by == 2 ? density : real(0.0);
    return by == 2 ? (upper ? real(1.0) : DREY_INFINITY) : by == 1 && upper ? DREY_INFINITY : -DREY_INFINITY;
  }
  bool is_upper;
  real slope;
  const real l = drey_log_gamma_tail(a, x, by, is_upper, slope);
  if (!is_upper && a < real(1.0)) {
    real below;
    const real q = drey_gamma_q_small(a, x, below);
    if (by > 0) return upper ? (by == 1 ? -(drey_exp(l) * slope) : drey_exp(l) * slope) / q : slope;
    return (upper ? below : q) < real(0.5) ? drey_log1p(-(upper ? below : q)) : upper ? drey_log(q) : l;
  }
  if (is_upper == upper) return by > 0 ? slope : l;
  return by > 0 ? (by == 1 ? -slope : slope) / drey_expm1(-l) : drey_log1m_exp(l);
}

real drey_log_gamma_p(real a, real x) { return drey_log_gamma_pq(a, x, false, 0); }

real drey_log_gamma_q(real a, real x) { return drey_log_gamma_pq(a, x, true, 0); }

real drey_log_gamma_p_da(real a, real x) { return drey_log_gamma_pq(a, x, false, 1); }

real drey_log_gamma_q_da(real a, real x) { return drey_log_gamma_pq(a, x, true, 1); }

real drey_log_gamma_p_dx(real a, real x) { return drey_log_gamma_pq(a, x, false, 2); }

real drey_log_gamma_q_dx(real a, real x) { return drey_log_gamma_pq(a, x, true, 2); }

// x^a (1 - x)^b / B(a, b).
real drey_beta_prefix(real a, real b, real x) {
  const real y = real(1.0) - x;
  if (min(a, b) >= DREY_STIRLING) {
    // Around the mean: x (a + b) / a = 1 + d / a and (1 - x) (a + b) / b = 1 - d / b.
    precise real lost = (real(1.0) - y) - x;
    precise real p = x * b, q = y * a;
    precise real d = (p - q) + ((drey_product_error(x, b) - drey_product_error(y, a)) - lost * a);
    const real u = d / a, v = -d / b, s = a + b;
    const real far = a * (u < real(-0.5) ? u - drey_log(x * (s / a)) : drey_log1p_excess(u)) +
                     b * (v < real(-0.5) ? v - drey_log(y * (s / b)) : drey_log1p_excess(v));
    const real stirling = drey_stirling(a) + (drey_stirling(b) - drey_stirling(a + b));
    return drey_exp(-(far + stirling)) * (sqrt(a / (a + b)) * sqrt(b)) / DREY_SQRT_2PI;
  }
  return drey_exp((a * drey_log(x) + b * drey_log1p(-x)) - drey_lbeta(a, b));
}

int drey_beta_steps(real a, real b) {
  return int(min(DREY_BETA_BASE + DREY_BETA_SLOPE * sqrt(max(a, b)), real(DREY_BETA_TRIPS)));
}

// prefix / inc_beta as a continued fraction (DiDonato and Morris, "Algorithm 708", ACM TOMS 18, 1992, eq. 9),
// backwards, for x below the mean, y = 1 - x; `df` is its derivative in a or b.
real drey_beta_fraction(real a, real b, real x, real y, bool in_a, out real df) {
  const int steps = drey_beta_steps(a, b);
  const real base = (a * y - b * x) + real(1.0), slope = real(1.0) + y;
  real f = real(1.0);
  df = real(0.0);
  // The innermost denominator stands alone: its numerator's factor is 0.
  for (int i = steps; i >= 0; --i) {
    const real n = real(i), m = n + real(1.0);
    // Numerator of step n + 1.
    const real inner = real(1.0) / (a + n + m);  // 1 / (a + 2 n + 1)
    const real u = a + n, v = a + b + n, t = m * (b - m) * x * x * inner * inner;
    const real over = i == steps ? real(0.0) : real(1.0) / f;
    const real above = u * v * t * over;
    const real dt = in_a ? t * (u + v - real(2.0) * u * v * inner)
                         : u * m * x * x * inner * inner * ((b - m) + v);
    const real d_above = (dt - above * df) * over;
    // Denominator of step n.
    const real outer = i == 0 ? real(0.0) : real(1.0) / (a + n + n - real(1.0));
    const real side = base + n * slope;
    const real below = n + n * (b - n) * x * outer + u * side * inner;
    const real d_below = in_a ? -n * (b - n) * x * outer * outer +
                                    (side + u * y - u * side * inner) * inner
                              : x * (n * outer - u * inner);
    df = d_below + d_above;
    f = below + above;
  }
  return f;
}

bool drey_beta_domain(real a, real b, real x) {
  return a > real(0.0) && b > real(0.0) && x >= real(0.0) && x <= real(1.0) && a < DREY_INFINITY &&
         b < DREY_INFINITY;
}

// digamma(a + b) - digamma(a).
real drey_digamma_difference(real a, real b) {
  const real s = a + b;
  if (a < DREY_ASYMPTOTIC) return drey_digamma_positive(s) - drey_digamma_positive(a);
  const real u = real(1.0) / a, v = real(1.0) / s;
  return drey_log1p(b / a) + (real(0.5) * b * u * v + (u * u * drey_digamma_tail(u * u) - v * v * drey_digamma_tail(v * v)));
}

// The regularised incomplete beta function.
real drey_inc_beta(real a, real b, real x) {
  if (!drey_beta_domain(a, b, x)) return DREY_NAN;
  if (x == real(0.0) || x == real(1.0)) return x;
  const bool mirror = x > (a + real(1.0)) / (a + b + real(2.0));
  const real y = real(1.0) - x;
  real df;
  const real part = drey_beta_prefix(a, b, x) /
                 drey_beta_fraction(mirror ? b : a, mirror ? a : b, mirror ? y : x, mirror ? x : y, true, df);
  return mirror ? real(1.0) - part : part;
}

// Its derivative in a.
real drey_inc_beta_da(real a, real b, real x) {
  if (!drey_beta_domain(a, b, x)) return DREY_NAN;
  if (x == real(0.0) || x == real(1.0)) return real(0.0);
  const bool mirror = x > (a + real(1.0)) / (a + b + real(2.0));
  const real y = real(1.0) - x;
  real df;
  const real f = drey_beta_fraction(mirror ? b : a, mirror ? a : b, mirror ? y : x, mirror ? x : y, !mirror, df);
  const real slope = (drey_log(x) + drey_digamma_difference(a, b)) - df / f;
  const real part = drey_beta_prefix(a, b, x) / f * slope;
  return mirror ? -part : part;
}

// The gamma function's logarithm and its derivatives. Polynomials interpolate at Chebyshev nodes.

#ifdef DREY_F64
// lgamma(2 + t) / t, -3/4 <= t <= 1/4.
double drey_lgamma_series(double t) {
  const double t2 = t * t;
  const double t4 = t2 * t2;
  const double t8 = t4 * t4;
  const double t16 = t8 * t8;
  return ((2.7501699136693089e-07lf * t + 9.4035049150082899e-07lf) * t4 + ((1.6377600572433783e-06lf * t +
      1.3213383954575606e-06lf) * t2 + (8.4980238654002032e-07lf * t - 4.2711223807053623e-07lf))) * t16 +
      ((((8.3396175129668868e-07lf * t - 2.0887255089982175e-06lf) * t2 + (4.3757131100389591e-06lf * t -
      9.4341908557860938e-06lf)) * t4 + ((2.0508132408983847e-05lf * t - 4.4926449098711978e-05lf) * t2 +
      (9.9457440719709676e-05lf * t - 0.00022315475614956lf))) * t8 + (((0.00050966952715426612lf * t -
      0.0011927539116414743lf) * t2 + (0.0028905103307019617lf * t - 0.0073855510286756094lf)) * t4 +
      ((0.020580808427784841lf * t - 0.067352301053198088lf) * t2 + (0.3224670334241132lf * t +
      0.42278433509846713lf))));
}

// x (lgamma(x) - (x - 1/2) log(x) + x - log(2 pi) / 2) as a function of w = 1 / x^2, x >= DREY_STIRLING.
double drey_stirling_series(double w) {
  return (((((((0.11299247926562031lf * w - 0.027912268460285283lf) * w + 0.0063872289508636309lf) * w -
      0.0019173337315995709lf) * w + 0.00084174987815453632lf) * w - 0.00059523809251896785lf) * w +
      0.00079365079364693172lf) * w - 0.0027777777777777757lf) * w + 0.083333333333333329lf;
}

// digamma(r + t) / t around its zero r, 1 <= r + t <= 2.
double drey_digamma_series(double t) {
  const double t2 = t * t;
  const double t4 = t2 * t2;
  const double t8 = t4 * t4;
  const double t16 = t8 * t8;
  return ((-3.8404871886247865e-05lf * t + 9.4445145582509055e-05lf) * t8 + (((-9.4010269089067139e-05lf * t
      + 8.5581398011712421e-05lf) * t2 + (-0.00014583265494166385lf * t + 0.00024409278493749318lf)) * t4 +
      ((-0.00035184966458038719lf * t + 0.00050356084180704216lf) * t2 + (-0.00073653609839426776lf * t +
      0.0010789675159622999lf)))) * t16 + ((((-0.001577176442673465lf * t + 0.0023051203875691525lf) * t2 +
      (-0.0033697766531762493lf * t + 0.0049267810573441874lf)) * t4 + ((-0.0072045361280762988lf * t +
      0.010538791675829657lf) * t2 + (-0.015424765825874771lf * t + 0.022597648228858666lf))) * t8 +
      (((-0.033161126477066906lf * t + 0.048804288164237028lf) * t2 + (-0.072199561256419756lf * t +
      0.10782405069126112lf)) * t4 + ((-0.16394270544240677lf * t + 0.25849976095565103lf) * t2 +
      (-0.44276316898359208lf * t + 0.9676722454476212lf))));
}

// x^2 (log(x) - 1 / (2 x) - digamma(x)) as a function of w = 1 / x^2, x >= DREY_ASYMPTOTIC.
double drey_digamma_tail(double w) {
  return (((((((1.9686267403877389lf * w - 0.42067783199648151lf) * w + 0.083065700027114692lf) * w -
      0.021090905729487141lf) * w + 0.007575749643331943lf) * w - 0.0041666666478436844lf) * w +
      0.0039682539682314938lf) * w - 0.0083333333333333228lf) * w + 0.083333333333333329lf;
}

// x^3 (trigamma(x) - 1 / x - 1 / (2 x^2)) likewise.
double drey_trigamma_tail(double w) {
  return ((((((((-277.98801844790222lf * w + 49.316928997666871lf) * w - 7.0159672711531771lf) * w +
      1.1660261077660374lf) * w - 0.25311016601781294lf) * w + 0.075757564752661766lf) * w -
      0.033333333312672714lf) * w + 0.023809523809504029lf) * w - 0.033333333333333326lf) * w +
      0.16666666666666666lf;
}

// -x^4 (tetragamma(x) + 1 / x^2 + 1 / x^3) likewise.
double drey_tetragamma_tail(double w) {
  return ((((((((-5515.6918164497383lf * w + 920.08922129364305lf) * w - 118.90169803202241lf) * w +
      17.486053301857599lf) * w - 3.2904026122507934lf) * w + 0.83333309462592797lf) * w -
      0.2999999995522844lf) * w + 0.16666666666623825lf) * w - 0.16666666666666652lf) * w + 0.5lf;
}
#define DREY_STIRLING 8.25lf
#define DREY_ASYMPTOTIC 9.0lf
#define DREY_DIGAMMA_ROOT 1.4616321449683622lf
#define DREY_DIGAMMA_ROOT_LOW 9.5499954299656974e-17lf
#else
// lgamma(2 + t) / t, -3/4 <= t <= 1/4.
float drey_lgamma_series(float t) {
  const float t2 = t * t;
  const float t4 = t2 * t2;
  const float t8 = t4 * t4;
  return (-0.000208699523 * t2 + (-0.00011923573 * t - 0.000323605607)) * t8 + (((0.000511658669 * t -
      0.00117919885) * t2 + (0.0028925743 * t - 0.00738608744)) * t4 + ((0.0205807071 * t - 0.0673522949) *
      t2 + (0.322467029 * t + 0.422784328)));
}

// x (lgamma(x) - (x - 1/2) log(x) + x - log(2 pi) / 2) as a function of w = 1 / x^2, x >= DREY_STIRLING.
float drey_stirling_series(float w) {
  return (0.000748095801 * w - 0.00277685374) * w + 0.0833333284;
}

// digamma(r + t) / t around its zero r, 1 <= r + t <= 2.
float drey_digamma_series(float t) {
  const float t2 = t * t;
  const float t4 = t2 * t2;
  const float t8 = t4 * t4;
  return ((-0.00747684296 * t + 0.0143787311) * t2 + (-0.0161584858 * t + 0.0216120947)) * t8 +
      (((-0.0329337195 * t + 0.0489183217) * t2 + (-0.0722243339 * t + 0.107818082)) * t4 + ((-0.163941681 *
      t + 0.258499891) * t2 + (-0.44276318 * t + 0.967672229)));
}

// x^2 (log(x) - 1 / (2 x) - digamma(x)) as a function of w = 1 / x^2, x >= DREY_ASYMPTOTIC.
float drey_digamma_tail(float w) {
  return (0.00373668759 * w - 0.00832993537) * w + 0.0833333284;
}

// x^3 (trigamma(x) - 1 / x - 1 / (2 x^2)) likewise.
float drey_trigamma_tail(float w) {
  return ((-0.0281930473 * w + 0.0236875266) * w - 0.0333323777) * w + 0.166666672;
}

// -x^4 (tetragamma(x) + 1 / x^2 + 1 / x^3) likewise.
float drey_tetragamma_tail(float w) {
  return ((-0.244986802 * w + 0.165372729) * w - 0.166656569) * w + 0.5;
}
#define DREY_STIRLING 4.25
#define DREY_ASYMPTOTIC 5.0
#define DREY_DIGAMMA_ROOT 1.46163213
#define DREY_DIGAMMA_ROOT_LOW 1.24381499e-8
#endif
#define DREY_PI real(3.1415926535897932lf)

// lgamma(x) - ((x - 1/2) log(x) - x + log(2 pi) / 2), x >= DREY_STIRLING.
real drey_stirling(real x) {
  const real inverse = real(1.0) / x;
  return inverse * drey_stirling_series(inverse * inverse);
}

// (sin, cos) of pi x for the distance of x from its nearest integer; both signs as at that distance.
real drey_sinpi_near(real x, out real cosine) {
  const real r = DREY_PI * (x - roundEven(x));  // |r| <= pi / 2
  // Within pi / 4 the kernels hold; else by the other one.
  const bool wide = abs(r) > real(0.78539816339744831lf);
  const real rest = (r < real(0.0) ? real(-1.5707963267948966lf) : real(1.5707963267948966lf)) - r;
  const real s = drey_sin_core(wide ? rest : r, real(0.0)), c = drey_cos_core(wide ? rest : r, real(0.0));
  cosine = wide ? abs(s) : c;
  return wide ? (r < real(0.0) ? -c : c) : s;
}

// One logarithm for both sides of DREY_STIRLING, and no branch: lanes differ.
real drey_lgamma_positive(real x) {
  const bool far = x >= DREY_STIRLING;
  // lgamma(2 + t) and the factors between: n steps up, or down to below 2.25.
  const real n = floor(x - real(1.25));
  const real t = x - (n + real(2.0));
  real product = n < real(-1.0) ? x * (x + real(1.0)) : n < real(0.0) ? x : real(1.0);
  product *= n >= real(1.0) ? x - real(1.0) : real(1.0);
  product *= n >= real(2.0) ? x - real(2.0) : real(1.0);
#ifdef DREY_F64
  product *= n >= 3.0lf ? x - 3.0lf : 1.0lf;
  product *= n >= 4.0lf ? x - 4.0lf : 1.0lf;
  product *= n >= 5.0lf ? x - 5.0lf : 1.0lf;
  product *= n >= 6.0lf ? x - 6.0lf : 1.0lf;
#endif
  const real l = drey_log(far ? x : product);
  const real near_value = t * drey_lgamma_series(t) + (n < real(0.0) ? -l : l);
  const real far_value = (x - real(0.5)) * (l - real(1.0)) + (real(0.41893853320467274lf) + drey_stirling(x));
  return far ? far_value : near_value;
}

// log |gamma(x)|.
real drey_lgamma(real x) {
  const real y = drey_lgamma_positive(abs(x));
  if (!(x < real(0.0))) return y;
  if (x == floor(x)) return DREY_INFINITY;
  real c;
  const real s = drey_sinpi_near(x, c);
  return drey_log(DREY_PI / abs(s * x)) - y;  // reflection, DLMF 5.5.3
}

// One division for both sides of DREY_ASYMPTOTIC, and no branch.
real drey_digamma_positive(real x) {
  const bool far = x >= DREY_ASYMPTOTIC;
  const real n = floor(x) - real(1.0);
  const real y = x - max(n, real(-1.0));
  precise real t = (y - DREY_DIGAMMA_ROOT) - DREY_DIGAMMA_ROOT_LOW;
  // Sum of 1 / (x - j), j = 1..n, as one fraction; far out 1 / x.
  const bool below_one = n < real(0.0);
  real above = far ? real(1.0) : below_one ? real(-1.0) : real(0.0), below = far || below_one ? x : real(1.0);
#define DREY_TERM(j) \
  { \
    const bool counts = n >= real(j) && !far; \
    const real factor = x - real(j); \
    above = counts ? above * factor + below : above; \
    below = counts ? below * factor : below; \
  }
  DREY_TERM(1.0)
  DREY_TERM(2.0)
  DREY_TERM(3.0)
#ifdef DREY_F64
  DREY_TERM(4.0)
  DREY_TERM(5.0)
  DREY_TERM(6.0)
  DREY_TERM(7.0)
#endif
#undef DREY_TERM
  const real fraction = above / below;
  const real w = fraction * fraction;
  return far ? drey_log(x) - (real(0.5) * fraction + w * drey_digamma_tail(w)) : t * drey_digamma_series(t) + fraction;
}

real drey_digamma(real x) {
  if (!(x <= real(0.0))) return x == DREY_INFINITY ? x : drey_digamma_positive(x);
  if (x == floor(x)) return DREY_NAN;
  real c;
  const real s = drey_sinpi_near(x, c);
  return drey_digamma_positive(-x) - real(1.0) / x - DREY_PI * c / s;  // DLMF 5.5.4, 5.5.2
}

real drey_trigamma_positive(real x) {
  real sum = real(0.0);
#define DREY_STEP \
  if (x < DREY_ASYMPTOTIC) { \
    const real inverse = real(1.0) / x; \
    sum += inverse * inverse; \
    x += real(1.0); \
  }
  DREY_STEP DREY_STEP DREY_STEP DREY_STEP DREY_STEP
#ifdef DREY_F64
  DREY_STEP DREY_STEP DREY_STEP DREY_STEP
#endif
#undef DREY_STEP
  const real inverse = real(1.0) / x;
  const real w = inverse * inverse;
  return sum + (inverse + (real(0.5) * w + inverse * w * drey_trigamma_tail(w)));
}

real drey_trigamma(real x) {
  if (!(x <= real(0.0))) return drey_trigamma_positive(x);
  if (x == floor(x)) return DREY_NAN;
  real c;
  const real s = DREY_PI / drey_sinpi_near(x, c);
  return s * s - drey_trigamma_positive(real(1.0) - x);
}

real drey_tetragamma_positive(real x) {
  real sum = real(0.0);
#define DREY_STEP \
  if (x < DREY_ASYMPTOTIC) { \
    const real inverse = real(1.0) / x; \
    sum += real(2.0) * inverse * inverse * inverse; \
    x += real(1.0); \
  }
  DREY_STEP DREY_STEP DREY_STEP DREY_STEP DREY_STEP
#ifdef DREY_F64
  DREY_STEP DREY_STEP DREY_STEP DREY_STEP
#endif
#undef DREY_STEP
  const real inverse = real(1.0) / x;
  const real w = inverse * inverse;
  return -(sum + w * (real(1.0) + (inverse + w * drey_tetragamma_tail(w))));
}

real drey_tetragamma(real x) {
  if (!(x <= real(0.0))) return drey_tetragamma_positive(x);
  if (x == floor(x)) return DREY_NAN;
  real c;
  const real s = DREY_PI / drey_sinpi_near(x, c);
  return drey_tetragamma_positive(real(1.0) - x) - real(2.0) * s * s * s * c;
}

// log B(a, b), a, b > 0; the large parts of Stirling's formula combined before they cancel.
real drey_lbeta(real p, real q) {
  const real a = p < q ? p : q, b = p < q ? q : p;
  if (!(p >= real(0.0) && q >= real(0.0))) return DREY_NAN;
  if (b == DREY_INFINITY) return a == real(0.0) ? b : -b;
  if (a == real(0.0)) return DREY_INFINITY;
  const real s = a + b;
  if (b < DREY_STIRLING) return drey_lgamma_positive(a) + drey_lgamma_positive(b) - drey_lgamma_positive(s);
  const real l = drey_log1p(a / b);
  const real rest = drey_stirling(b) - drey_stirling(s);
  if (a < DREY_STIRLING)
    return drey_lgamma_positive(a) + rest + a * (real(1.0) - drey_log(s)) - (b - real(0.5)) * l;
  return (real(0.91893853320467274lf) - real(0.5) * drey_log(b)) + (drey_stirling(a) + rest) +
         ((a - real(0.5)) * drey_log(a / s) - b * l);
}

// Modified Bessel functions of the first kind, scaled by exp(-|x|). Polynomials interpolate at Chebyshev nodes.

#ifdef DREY_F64
#define DREY_BESSEL_FAR 9.0lf
// I0(x) as a function of z = x^2, x <= DREY_BESSEL_FAR.
double drey_i0_series(double z) {
  const double z2 = z * z;
  const double z4 = z2 * z2;
  const double z8 = z4 * z4;
  const double z16 = z8 * z8;
  return (((3.23634396619534e-59lf * z + 3.959064288623704e-56lf) * z2 + (8.8690893210829182e-53lf * z +
      1.5333648944130472e-49lf)) * z4 + ((2.4589803346330394e-46lf * z + 3.5500254886989805e-43lf) * z2 +
      (4.6009082844563872e-40lf * z + 5.3186440096130804e-37lf))) * z16 + ((((5.4462918411384269e-34lf * z +
      4.9016626381476198e-31lf) * z2 + (3.8429035090700778e-28lf * z + 2.5978027721066489e-25lf)) * z4 +
      ((1.4963343967340714e-22lf * z + 7.2422584801927741e-20lf) * z2 + (2.8969033920771118e-17lf * z +
      9.385966990329842e-15lf))) * z8 + (((2.4028075495244395e-12lf * z + 4.7095027970679013e-10lf) * z2 +
      (6.7816840277777778e-08lf * z + 6.7816840277777774e-06lf)) * z4 + ((0.00043402777777777775lf * z +
      0.015625lf) * z2 + (0.25lf * z + 1.0lf))));
}

// I1(x) / x likewise.
double drey_i1_series(double z) {
  const double z2 = z * z;
  const double z4 = z2 * z2;
  const double z8 = z4 * z4;
  const double z16 = z8 * z8;
  return ((1.488820869213679e-57lf * z2 + (1.742168771498162e-54lf * z + 3.7248242827609815e-51lf)) * z4 +
      ((6.133541196255847e-48lf * z + 9.3441047230407271e-45lf) * z2 + (1.2780095287241073e-41lf * z +
      1.5643087725964668e-38lf))) * z16 + ((((1.7019660872486497e-35lf * z + 1.6338875520362764e-32lf) * z2 +
      (1.372465538698843e-29lf * z + 9.9915491235742708e-27lf)) * z4 + ((6.2347266530562413e-24lf * z +
      3.2919356728149492e-21lf) * z2 + (1.448451696038555e-18lf * z + 5.2144261057388011e-16lf))) * z8 +
      (((1.5017547184527747e-13lf * z + 3.3639305693342149e-11lf) * z2 + (5.6514033564814812e-09lf * z +
      6.781684027777778e-07lf)) * z4 + ((5.4253472222222219e-05lf * z + 0.0026041666666666665lf) * z2 +
      (0.0625lf * z + 0.5lf))));
}

// sqrt(x) exp(-x) I0(x) as a function of t = 18 / x - 1, x >= DREY_BESSEL_FAR.
double drey_i0_tail(double t) {
  const double t2 = t * t;
  const double t4 = t2 * t2;
  const double t8 = t4 * t4;
  const double t16 = t8 * t8;
  return ((-1.0182167368022669e-12lf * t2 + (-6.6974541423826729e-12lf * t + 7.8470680522930865e-12lf)) * t8
      + (((5.2991688275446143e-11lf * t - 2.6670257061206231e-11lf) * t2 + (-1.9802899592231492e-10lf * t +
      4.7298646277109914e-11lf)) * t4 + ((4.7430221703269932e-10lf * t - 1.422169442635162e-11lf) * t2 +
      (-8.3516539513379541e-10lf * t - 2.0207238688696339e-10lf)))) * t16 + ((((1.1316709319903275e-09lf * t
      + 8.067872102551498e-10lf) * t2 + (-9.3952471973063402e-10lf * t - 1.7711871864212672e-09lf)) * t4 +
      ((-7.7007412879478606e-10lf * t + 1.0633124832346205e-09lf) * t2 + (2.8104309492382536e-09lf * t +
      4.9724848950520021e-09lf))) * t8 + (((1.054895843477096e-08lf * t + 3.1860633032784359e-08lf) * t2 +
      (1.3702038905829495e-07lf * t + 8.3243605268520061e-07lf)) * t4 + ((7.387137171376464e-06lf * t +
      0.00010477649805124458lf) * t2 + (0.0029606102454442181lf * t + 0.40180478139600334lf))));
}

// sqrt(x) exp(-x) I1(x) likewise.
double drey_i1_tail(double t) {
  const double t2 = t * t;
  const double t4 = t2 * t2;
  const double t8 = t4 * t4;
  const double t16 = t8 * t8;
  return ((1.2275893028772573e-12lf * t2 + (6.8572368823173728e-12lf * t - 9.4973760020707289e-12lf)) * t8 +
      (((-5.4300940867494445e-11lf * t + 3.2760843679759315e-11lf) * t2 + (2.0323448881770951e-10lf * t -
      6.1414236370642546e-11lf)) * t4 + ((-4.8821921648611632e-10lf * t + 3.7123492294178484e-11lf) * t2 +
      (8.6468798825963648e-10lf * t + 1.7726778519977219e-10lf)))) * t16 + ((((-1.1852423892507611e-09lf * t
      - 8.0404993656578006e-10lf) * t2 + (1.0131071044218056e-09lf * t + 1.8408926593651059e-09lf)) * t4 +
      ((7.6322574740135353e-10lf * t - 1.1670145254962479e-09lf) * t2 + (-3.0189417565970037e-09lf * t -
      5.3853217203050886e-09lf))) * t8 + (((-1.1663787916825227e-08lf * t - 3.6234595727908371e-08lf) * t2 +
      (-1.6163741224501798e-07lf * t - 1.0351077492854123e-06lf)) * t4 + ((-1.0017717325472639e-05lf * t -
      0.00016936633644386705lf) * t2 + (-0.0086234713827621594lf * t + 0.39047905912136743lf))));
}
#else
#define DREY_BESSEL_FAR 6.0
// I0(x) as a function of z = x^2, x <= DREY_BESSEL_FAR.
float drey_i0_series(float z) {
  const float z2 = z * z;
  const float z4 = z2 * z2;
  const float z8 = z4 * z4;
  return (1.08627051e-19 * z2 + (2.56760419e-17 * z + 9.54993988e-15)) * z8 + (((2.39780071e-12 * z +
      4.71047867e-10) * z2 + (6.78156269e-08 * z + 6.78169363e-06)) * z4 + ((0.000434027723 * z + 0.015625) *
      z2 + (0.25 * z + 1.0)));
}

// I1(x) / x likewise.
float drey_i1_series(float z) {
  const float z2 = z * z;
  const float z4 = z2 * z2;
  const float z8 = z4 * z4;
  return (2.17313478e-18 * z + 4.62459555e-16) * z8 + (((1.5274991e-13 * z + 3.35722526e-11) * z2 +
      (5.65247715e-09 * z + 6.7815796e-07)) * z4 + ((5.42535308e-05 * z + 0.00260416651) * z2 + (0.0625 * z +
      0.5)));
}

// sqrt(x) exp(-x) I0(x) as a function of t = 1 / x, x >= DREY_BESSEL_FAR.
float drey_i0_tail(float t) {
  const float t2 = t * t;
  const float t4 = t2 * t2;
  return ((-10.6143389 * t + 7.33339548) * t2 + (-1.40747762 * t + 0.192477971)) * t4 + ((0.0219894145 * t +
      0.0282147136) * t2 + (0.049866423 * t + 0.398942292));
}

// sqrt(x) exp(-x) I1(x) likewise.
float drey_i1_tail(float t) {
  const float t2 = t * t;
  const float t4 = t2 * t2;
  return ((10.5448999 * t - 7.59722042) * t2 + (1.44993365 * t - 0.212260634)) * t4 + ((-0.0333106481 * t -
      0.0469237715) * t2 + (-0.149601921 * t + 0.398942292));
}
#endif

// The tails' variable.
real drey_bessel_variable(real a) {
#ifdef DREY_F64
  return 18.0lf / a - 1.0lf;
#else
  return 1.0 / a;
#endif
}

real drey_bessel_i0e(real x) {
  const real a = abs(x);
  if (a > DREY_BESSEL_FAR) return drey_i0_tail(drey_bessel_variable(a)) / sqrt(a);
  return drey_exp(-a) * drey_i0_series(a * a);
}

real drey_bessel_i1e(real x) {
  const real a = abs(x);
  if (!(a > DREY_BESSEL_FAR)) return drey_exp(-a) * (x * drey_i1_series(a * a));
  const real y = drey_i1_tail(drey_bessel_variable(a)) / sqrt(a);
  return x < real(0.0) ? -y : y;
}

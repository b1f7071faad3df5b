/* What the C library's mathematics gives for arguments of all sizes, and how it writes them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SHOW(value) printf(#value " %.17g %La\n", (double)(value), (long double)(value))

static unsigned seed = 1;

static double argument(void) {
    double fraction = 1 + (seed = seed * 1103515245 + 12345) / 4294967296.0;
    int power = (int)((seed = seed * 1103515245 + 12345) >> 8 & 63) - 32;
    return ldexp(seed & 1 ? -fraction : fraction, power);
}

static void elementary(double x, double y) {
    SHOW(sqrt(fabs(x)));
    SHOW(cbrt(x));
    SHOW(sin(x));
    SHOW(cos(x));
    SHOW(tan(x));
    SHOW(atan(x));
    SHOW(asin(remainder(x, 1)));
    SHOW(exp(remainder(x, 700)));
    SHOW(expm1(remainder(x, 2)));
    SHOW(exp2(remainder(x, 1000)));
    SHOW(log(fabs(x)));
    SHOW(log1p(fabs(x)));
    SHOW(log10(fabs(x)));
    SHOW(sinh(remainder(x, 20)));
    SHOW(tanh(x));
    SHOW(erf(x));
    SHOW(pow(fabs(x), remainder(y, 20)));
    SHOW(atan2(y, x));
    SHOW(hypot(x, y));
    SHOW(fmod(x, y));
    SHOW(floor(x));
    SHOW(rint(x));
    SHOW((float)lrint(remainder(x, 2e9)));
    SHOW(sinf(x));
    SHOW(expf(remainder(x, 80)));
    SHOW(powf(fabs(x), .25f));
}

static void extended(long double x, long double y) {
    SHOW(sqrtl(fabsl(x)));
    SHOW(sinl(x));
    SHOW(expl(remainderl(x, 5000)));
    SHOW(logl(fabsl(x)));
    SHOW(powl(fabsl(x), remainderl(y, 100)));
    SHOW(fmodl(x, y));
    SHOW(atan2l(y, x));
    SHOW(x * y + x / y - 1);
}

static void text(double x) {
    char buffer[64];
    for (int digits = 1; digits < 22; digits += 4) {
        snprintf(buffer, sizeof buffer, "%.*e", digits, x);
        printf("%s %.17g ", buffer, strtod(buffer, 0));
        snprintf(buffer, sizeof buffer, "%.*Lg", digits, (long double)x / 3);
        printf("%s %.20Lg %a\n", buffer, strtold(buffer, 0), strtof(buffer, 0));
    }
}

int main(int argc, char **argv) {
    const double special[] = {0, -0.0, 1, -1, .5, INFINITY, -INFINITY, NAN, 5e-324, 1.7e308};
    for (int n = 0; n < 10; n++) {
        elementary(special[n], special[(n * 7 + 3) % 10]);
        extended(special[n], special[(n * 3 + 1) % 10]);
        text(special[n]);
    }
    for (int n = argc > 1 ? atoi(argv[1]) : 6; n > 0; n--) {
        double x = argument(), y = argument();
        elementary(x, y);
        extended(x, y);
        text(x);
    }
    return 0;
}

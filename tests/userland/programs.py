"""What is run in both places, and the files it works on."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

PACKAGES = (
    "bc", "bzip2", "coreutils", "gzip", "libpython3.11-testsuite", "mawk", "openssl", "python3",
    "xz-utils", "zstd",
)  # fmt: skip

_HELPERS = Path(__file__).parent / "guest"


@dataclass(frozen=True, slots=True)
class Program:
    """Lines of shell; `long` ones are left to `python -m tests.userland`."""

    name: str
    lines: str
    long: bool = False


def files() -> dict[str, bytes]:
    """The files both find in their working directory."""
    source = random.Random(2026)
    words = ["".join(source.choices("etaoinshrdlu", k=source.randint(1, 9))) for _ in range(500)]
    text = " ".join(source.choices(words, k=25_000)).encode()
    helpers = {file.name: file.read_bytes() for file in _HELPERS.glob("*.py")}
    return helpers | {"text": text, "noise": source.randbytes(100_000), "zeros": bytes(100_000)}


def _round_trips(packer: str, levels: str, suffix: str, options: str = "") -> str:
    return f"""
for file in text noise zeros; do for level in {levels}; do
    run {packer} {options} -$level -c $file >packed.{suffix}
    run cksum packed.{suffix}
    run {packer} -d -c packed.{suffix} | cmp - $file && echo $file $level came back
done; done"""


_DIGESTS = """
for digest in $(run openssl list -digest-commands); do
    for file in text noise zeros; do run openssl dgst -r -$digest $file; done
done
run openssl dgst -r -hmac key -sha512 text"""

_CIPHERS = """
key=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
iv=f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff
for cipher in aes-128-cbc aes-192-ecb aes-256-cbc aes-256-ctr aes-128-cfb aes-192-ofb \\
    camellia-256-cbc aria-128-ctr chacha20 sm4-cbc des-ede3-cbc; do
    size=$(expr substr $cipher 5 3 : '\\([0-9]*\\)$')
    case $cipher in *128*|sm4*) k=32;; *192*|des*) k=48;; *) k=64;; esac
    case $cipher in *ecb) vector=;; des*) vector="-iv f0f1f2f3f4f5f6f7";; *) vector="-iv $iv";; esac
    secret=$(echo $key | cut -c1-$k)
    run openssl enc -$cipher -K $secret $vector -in text -out secret
    run cksum secret
    run openssl enc -d -$cipher -K $secret $vector -in secret | cmp - text && echo $cipher back
done"""

_SIGNATURES = """
run openssl genrsa -out rsa 2048 2>/dev/null
run openssl rsa -in rsa -check -noout
run openssl dgst -sha256 -sign rsa -out signature text
run openssl rsa -in rsa -pubout -out rsa.pub 2>/dev/null
run openssl dgst -sha256 -verify rsa.pub -signature signature text
run openssl dgst -sha256 -verify rsa.pub -signature signature noise 2>/dev/null
for curve in prime256v1 secp384r1 secp521r1; do
    run openssl ecparam -genkey -name $curve -noout -out ec
    run openssl ec -in ec -pubout -out ec.pub 2>/dev/null
    run openssl dgst -sha384 -sign ec -out signature text
    run openssl dgst -sha384 -verify ec.pub -signature signature text
done
run openssl genpkey -algorithm ed25519 -out ed
run openssl pkeyutl -sign -inkey ed -rawin -in text -out signature
run openssl pkeyutl -verify -inkey ed -rawin -in text -sigfile signature
run openssl prime -generate -bits 256 -safe | wc -l
run openssl prime 170141183460469231731687303715884105727 170141183460469231731687303715884105729"""

_SPEEDS = """
for algorithm in sha256 sha512 md5 aes-128-cbc aes-256-gcm chacha20-poly1305 ghash; do
    run openssl speed -elapsed -seconds 1 -bytes 1024 -evp $algorithm >speed 2>errors ||
    run openssl speed -elapsed -seconds 1 -bytes 1024 $algorithm >speed 2>errors
    echo $algorithm $? $(grep -ci error errors)
done
run openssl speed -elapsed -seconds 1 rsa2048 ecdsap256 ecdhx25519 ed25519 >speed 2>errors
echo public keys $? $(grep -ci error errors)"""

_CALCULATIONS = """
echo 'scale=1000; 4*a(1)' | run bc -l
echo 'scale=500; e(1); sqrt(2); l(10); s(1); j(2, 3)' | run bc -l
echo '2^4423 % 1000000007; 3^1000' | run bc"""

_AWK = """
run mawk 'BEGIN { for (x = -7; x < 7; x += 0.37)
    printf "%.17g %.17g %.17g %.17g\\n", sin(x), cos(x), exp(x), atan2(x, 2) }'
run mawk -F ' ' '{ for (i = 1; i <= NF; i++) n[$i]++ } END { for (w in n) print n[w], w }' text |
    run sort -k1,1nr -k2 | run head -50
run factor 18446744073709551557 340282366920938463463374607431768211455 9007199254740993
run seq 1 0.37 30 | run sort -R --random-source=noise | run sort -g | run sha512sum
run printf '%a %.20Lg %e\\n' 1e-310 0.1 12345678.9"""


def _checks(*modules: str) -> str:
    return f"run python3 check.py {' '.join(modules)}"


PROGRAMS = (
    Program("bc", _CALCULATIONS),
    Program("awk and coreutils", _AWK),
    Program("gzip", _round_trips("gzip", "1 6 9", "gz", "-n")),
    Program("bzip2", _round_trips("bzip2", "1 9", "bz2")),
    Program("xz", _round_trips("xz", "0 6", "xz")),
    Program("zstd", _round_trips("zstd", "1 3 19", "zst", "-q")),
    Program("openssl digests", _DIGESTS),
    Program("openssl ciphers", _CIPHERS),
    Program("openssl signatures", _SIGNATURES),
    Program("libm", "run python3 -S libm.py 60"),
    Program("python: numbers", _checks("test_float", "test_struct", "test_complex", "test_cmath")),
    Program("libm, many arguments", "run python3 -S libm.py 2000", long=True),
    Program("openssl speed", _SPEEDS, long=True),
    *(
        Program(f"python: {module}", _checks(module), long=True)
        for module in (
            "test_math", "test_decimal", "test_int", "test_long", "test_fractions",
            "test_statistics", "test_hashlib", "test_zlib", "test_random", "test_unicode",
            "test_array", "test_bytes", "test_json", "test_pickle", "test_re", "test_sort",
            "test_dict", "test_set", "test_heapq", "test_itertools", "test_memoryview",
            "test_bz2", "test_lzma", "test_sqlite3", "test_numeric_tower", "test_strtod",
            "test_format", "test_fstring", "test_generators", "test_coroutines",
        )
    ),
)  # fmt: skip

// Computes, for benchmarks of what interrupting a guest costs:
//
//   compute fib|sort|matmul|sha|interpret|chase N
//
// Each has loops and calls of another kind. It prints one number, so that nothing
// of it can be left out.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Deep recursion, and nothing else.
static uint32_t fib(uint32_t n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

static uint32_t seed = 1;

static uint32_t draw(void) { return seed = seed * 1664525 + 1013904223; }

// Comparisons by a function pointer.
static int compare(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static uint32_t sort(uint32_t n) {
  uint32_t *v = malloc(n * sizeof *v);
  for (uint32_t i = 0; i < n; i++)
    v[i] = draw();
  qsort(v, n, sizeof *v, compare);
  return v[n / 2];
}

// Nested loops of a few instructions.
static uint32_t matmul(uint32_t n) {
  double *a = malloc(n * n * sizeof *a), *b = malloc(n * n * sizeof *b), sum = 0;
  for (uint32_t i = 0; i < n * n; i++)
    a[i] = draw() % 10, b[i] = draw() % 10;
  for (uint32_t i = 0; i < n; i++)
    for (uint32_t j = 0; j < n; j++)
      for (uint32_t k = 0; k < n; k++)
        sum += a[i * n + k] * b[k * n + j];
  return sum;
}

// Long stretches of arithmetic, as in the compression function of a hash.
static uint32_t sha(uint32_t n) {
  uint32_t h[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  for (uint32_t block = 0; block < n; block++) {
    uint32_t w[64];
    for (int i = 0; i < 16; i++)
      w[i] = draw();
    for (int i = 16; i < 64; i++)
      w[i] = w[i - 16] + w[i - 7] + (w[i - 15] >> 7 ^ w[i - 15] << 25) + (w[i - 2] >> 17 ^ w[i - 2] << 15);
    for (int i = 0; i < 64; i++) {
      uint32_t t = h[7] + (h[4] >> 6 ^ h[4] << 26) + ((h[4] & h[5]) ^ (~h[4] & h[6])) + w[i];
      uint32_t u = (h[0] >> 2 ^ h[0] << 30) + ((h[0] & h[1]) ^ (h[0] & h[2]) ^ (h[1] & h[2]));
      memmove(h + 1, h, 7 * sizeof *h);
      h[4] += t;
      h[0] = t + u;
    }
  }
  return h[0];
}

// A loop around a switch, with little in each case.
static uint32_t interpret(uint32_t n) {
  static const uint8_t program[] = {0, 1, 2, 3, 1, 4, 2, 5, 0, 6, 3, 7};
  uint32_t a = 1, b = 2, c = 3;
  for (uint32_t pc = 0; n--; pc = pc + 1 == sizeof program ? 0 : pc + 1)
    switch (program[pc]) {
    case 0: a += b; break;
    case 1: b ^= c; break;
    case 2: c = c << 3 | c >> 29; break;
    case 3: a -= c; break;
    case 4: b *= 2654435761u; break;
    case 5: c += a & 7; break;
    case 6: if (a & 1) b++; break;
    case 7: a ^= b >> 5; break;
    }
  return a ^ b ^ c;
}

// Waits for memory, over and over.
static uint32_t chase(uint32_t n) {
  enum { size = 1 << 20 };
  uint32_t *next = malloc(size * sizeof *next), at = 0;
  for (uint32_t i = 0; i < size; i++)
    next[i] = (i * 1664525u + 1013904223u) % size;
  while (n--)
    at = next[at];
  return at;
}

int main(int argc, char **argv) {
  static const struct { const char *name; uint32_t (*run)(uint32_t); } kinds[] = {
      {"fib", fib}, {"sort", sort}, {"matmul", matmul}, {"sha", sha}, {"interpret", interpret}, {"chase", chase}};
  for (size_t i = 0; argc == 3 && i < sizeof kinds / sizeof *kinds; i++)
    if (!strcmp(argv[1], kinds[i].name)) {
      printf("%u\n", kinds[i].run(strtoul(argv[2], NULL, 10)));
      return 0;
    }
  return 2;
}

// Copies stdin to stdout in upper case, lists the current directory, and exits
// with the number of arguments.
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>

int main(int argc, char **argv) {
  for (int c; (c = getchar()) != EOF;)
    putchar(toupper(c));
  DIR *d = opendir(".");
  for (struct dirent *e; d && (e = readdir(d));)
    puts(e->d_name);
  return argc - 1;
}

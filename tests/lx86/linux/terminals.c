/* Pseudo-terminals: what is opened, called and shared, in words without their numbers.
   The argument is a terminal of somebody else's. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static void say(const char *what, long value)
{
    printf("%s: %ld\n", what, value);
    fflush(stdout);
}

int main(int count, char **arguments)
{
    char text[100], name[100];
    struct stat by_name, by_file;

    int master = posix_openpt(O_RDWR | O_NOCTTY);
    say("a master", master >= 0);
    strcpy(name, ptsname(master));
    say("its name", strncmp(name, "/dev/pts/", 9));
    say("there", stat(name, &by_name));
    say("locked", open(name, O_RDWR | O_NOCTTY) < 0);
    say("granted", grantpt(master) + unlockpt(master));
    say("seen", stat(name, &by_name));
    struct pollfd ready = {master, POLLIN};
    say("hung up by that", poll(&ready, 1, 0));
    int terminal = open(name, O_RDWR | O_NOCTTY);
    say("opened", terminal >= 0);
    say("called", strcmp(ttyname(terminal), name));
    stat(name, &by_name);
    fstat(terminal, &by_file);
    say("the same", by_name.st_rdev == by_file.st_rdev && by_name.st_ino == by_file.st_ino);
    say("its owner", by_name.st_uid == getuid());
    say("not a master", isatty(open("/dev/null", O_RDWR)));

    struct winsize size = {25, 81, 0, 0};
    say("sized", ioctl(master, TIOCSWINSZ, &size));
    memset(&size, 0, sizeof size);
    ioctl(terminal, TIOCGWINSZ, &size);
    say("rows", size.ws_row);
    write(master, "word\n", 5);
    say("read", read(terminal, text, sizeof text));
    say("echoed", read(master, text, sizeof text));

    close(master);
    say("still there", open(name, O_RDWR | O_NOCTTY) >= 0);
    int child = forkpty(&master, 0, 0, 0);
    if (!child) {
        signal(SIGINT, SIG_DFL); /* a shell may have begun us with it ignored */
        int controlling = open("/dev/tty", O_RDWR);
        write(controlling, ttyname(0) ? "mine" : "none", 4);
        pause();
    }
    say("from the child", read(master, text, 4));
    printf("%.4s\n", text);
    write(master, "\003", 1);
    int status;
    waitpid(child, &status, 0);
    say("interrupted by", WTERMSIG(status));
    say("somebody else's", open(arguments[1], O_RDWR | O_NOCTTY) < 0);
    say("its state", stat(arguments[1], &by_name));
    return 0;
}

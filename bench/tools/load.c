/* A load of SMTP sessions, for what smtp-source can't do: STARTTLS and AUTH, percentiles of the replies, time to
 * arrival, idle sessions, a slow site. One thread, epoll, the conversation of smtp-source: EHLO, [STARTTLS, EHLO,
 * AUTH PLAIN,] MAIL, RCPT, DATA, each after the reply to the one before. Loopback only.
 *
 *   load -F FILE [options] PORT     send messages and print the figures as one line of JSON
 *     -s N     sessions at a time (1)       -m N   messages in all (1)       -r N    recipients a message (1)
 *     -k       keep sessions open           -T     STARTTLS                  -A B64  AUTH PLAIN with this response
 *     -R       resume TLS sessions          -f A   reverse-path              -t A    forward-path
 *     -w S     pause after each message     -a P   take what is delivered at port P; the next message waits for it
 *     -o FILE  write each transaction's beginning (monotonic clock) and seconds; SIGTERM ends the load with its figures
 *   load -I -s N [-T] [-b ADDRESS] PORT      open N sessions from the address, say so, and keep them until stdin ends
 *   load -S P [-d S]                         be a server at port P that answers each message after S seconds, until
 *                                            stdin ends; tells the first arrival at once
 */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

struct settings settings = {.sessions = 1, .messages = 1, .recipients = 1, .from = "a@shop.example",
                            .to = "user@rcpt.example", .helo = "client.bench.example"};
struct figures figures;
int poll_fd;
volatile bool finished;

double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void die(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

void add(struct series *s, double value) {
    if (s->count == s->room) {
        s->room = s->room ? s->room * 2 : 4096;
        s->values = realloc(s->values, s->room * sizeof *s->values);
        if (!s->values)
            die("no memory");
    }
    s->values[s->count++] = value;
}

void watch(struct watched *what, uint32_t events, bool fresh) {
    struct epoll_event event = {.events = events, .data.ptr = what};
    if (epoll_ctl(poll_fd, fresh ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, what->fd, &event))
        die("epoll: %s", strerror(errno));
}

/* The file with CRLF at its line ends, dots doubled, and the final dot. */
static void read_message(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file)
        die("%s: %s", path, strerror(errno));
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file), out = 0;
    rewind(file);
    char *text = malloc(size + 1), *data = malloc(size * 2 + 8);
    if (!text || !data || fread(text, 1, size, file) != size)
        die("%s: can't be read", path);
    fclose(file);
    if (!size || text[size - 1] != '\n')
        text[size++] = '\n';
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '.' && (i == 0 || text[i - 1] == '\n'))
            data[out++] = '.';
        if (text[i] == '\n')
            data[out++] = '\r';
        data[out++] = text[i];
    }
    memcpy(data + out, ".\r\n", 3);
    free(text);
    settings.data = data;
    settings.data_octets = out + 3;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void print_series(const char *name, struct series *s) {
    if (!s->count)
        return;
    qsort(s->values, s->count, sizeof *s->values, ascending);
    double p[4];
    const double parts[] = {0.5, 0.9, 0.99, 1.0};
    for (int i = 0; i < 4; i++) {
        size_t at = (size_t)(parts[i] * (double)s->count);
        p[i] = s->values[at < s->count ? at : s->count - 1] * 1e3;
    }
    printf(", \"%s\": {\"p50\": %.3f, \"p90\": %.3f, \"p99\": %.3f, \"max\": %.3f}", name, p[0], p[1], p[2], p[3]);
}

static void write_transactions(void) {
    FILE *file = fopen(settings.times, "w");
    if (!file)
        die("%s: %s", settings.times, strerror(errno));
    for (size_t i = 0; i < figures.transaction.count; i++)
        fprintf(file, "%.6f %.6f\n", figures.begun.values[i], figures.transaction.values[i]);
    if (fclose(file))
        die("%s: %s", settings.times, strerror(errno));
}

static void stop(int number) {
    (void)number;
    finished = true;
}

/* All times in milliseconds, but for "seconds", "cpu" and "first_arrival" (monotonic clock). */
static void report(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    double cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                 (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    printf("{\"messages\": %ld, \"seconds\": %.6f, \"cpu\": %.3f, \"handshakes\": %ld, \"resumed\": %ld", figures.replied,
           figures.end - figures.begin, cpu, figures.handshakes, figures.resumed);
    printf(", \"arrived\": %ld, \"first_arrival\": %.6f, \"lost\": %ld", figures.arrived, figures.first_arrival,
           figures.lost);
    print_series("reply", &figures.reply);
    print_series("transaction", &figures.transaction);
    print_series("arrival", &figures.arrival);
    print_series("login", &figures.login);
    puts("}");
}

static long number(const char *text, long most) {
    char *rest;
    long value = strtol(text, &rest, 10);
    if (*rest || value < 1 || value > most)
        die("'%s' is not a whole number from 1 to %ld", text, most);
    return value;
}

static int arguments(int argc, char **argv) {
    int server_port = 0, option;
    while ((option = getopt(argc, argv, "s:m:r:kTA:RF:f:t:w:a:IS:d:b:o:")) != -1)
        switch (option) {
        case 's': settings.sessions = (int)number(optarg, 60000); break;
        case 'm': settings.messages = number(optarg, 100000000); break;
        case 'r': settings.recipients = (int)number(optarg, 10000); break;
        case 'k': settings.kept = true; break;
        case 'T': settings.tls = true; break;
        case 'A': settings.credential = optarg; break;
        case 'R': settings.resume = true; break;
        case 'F': read_message(optarg); break;
        case 'f': settings.from = optarg; break;
        case 't': settings.to = optarg; break;
        case 'w': settings.pause_s = atof(optarg); break;
        case 'a': settings.arrival_port = (int)number(optarg, 65535); break;
        case 'I': settings.idle = true; break;
        case 'S': server_port = (int)number(optarg, 65535); break;
        case 'd': settings.delay_s = atof(optarg); break;
        case 'b': settings.source = optarg; break;
        case 'o': settings.times = optarg; break;
        default: exit(2);
        }
    if (server_port)
        return server_port;
    if (optind + 1 != argc || (!settings.idle && !settings.data))
        die("use: load -F FILE [options] PORT, load -I -s N PORT, or load -S PORT; see bench/tools/load.c");
    settings.port = (int)number(argv[optind], 65535);
    return 0;
}

static void dispatch(struct epoll_event *event) {
    struct watched *what = event->data.ptr;
    if (!what) { /* standard input: its end is ours */
        char octets[64];
        if (read(0, octets, sizeof octets) <= 0)
            finished = true;
    } else if (what->kind == CLIENT)
        client_event(what, event->events);
    else
        server_event(what, event->events);
}

int main(int argc, char **argv) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGPIPE, SIG_IGN);
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    int server_port = arguments(argc, argv);
    if (settings.times)
        signal(SIGTERM, stop);
    if (server_port || settings.idle) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
        if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, 0, &event))
            die("standard input has to be a pipe, as its end is the end");
    }
    if (server_port || settings.arrival_port)
        server_start(server_port ? server_port : settings.arrival_port);
    figures.begin = now();
    if (!server_port) {
        clients_prepare();
        clients_start();
    }
    while (!finished) {
        struct epoll_event events[256];
        int waited_ms = settings.pause_s > 0 || settings.delay_s > 0 || settings.arrival_port ? 1 : -1;
        int count = epoll_wait(poll_fd, events, 256, waited_ms);
        if (count < 0 && errno != EINTR)
            die("epoll: %s", strerror(errno));
        for (int i = 0; i < count && !finished; i++)
            dispatch(&events[i]);
        if (waited_ms > 0) {
            clients_tick();
            server_tick();
        }
    }
    figures.end = now();
    if (settings.times)
        write_transactions(); /* before the percentiles, which sort */
    report();
    return 0;
}

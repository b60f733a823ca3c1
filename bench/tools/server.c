/* The receiving side: takes every message, tells when, and answers at once or after a while. */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct peer {
    struct watched watched;
    struct peer *next;
    bool data;
    double answer_at; /* 0: no message waits for its reply */
    char line[16384];
    size_t octets;
};

static struct watched listener = {.kind = LISTENER};
static struct peer *peers;

static const char hello[] = "250-site.bench.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n";

void server_start(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int one = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(listener.fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener.fd, (struct sockaddr *)&address, sizeof address) || listen(listener.fd, 1024))
        die("port %d: %s", port, strerror(errno));
    watch(&listener, EPOLLIN, true);
}

static void answer(struct peer *p, const char *text, size_t octets) {
    if (send(p->watched.fd, text, octets, 0) != (ssize_t)octets)
        shutdown(p->watched.fd, SHUT_RDWR); /* a client that reads no replies; the next event ends it */
}

#define ANSWER(p, text) answer(p, text, sizeof text - 1)

static void arrived(struct peer *p) {
    double at = now();
    if (!figures.arrived++) {
        figures.first_arrival = at;
        if (!settings.arrival_port) {
            printf("{\"first_arrival\": %.6f}\n", at);
            fflush(stdout);
        }
    }
    clients_arrived(at);
    p->data = false;
    if (settings.delay_s > 0)
        p->answer_at = at + settings.delay_s;
    else
        ANSWER(p, "250 2.0.0 taken\r\n");
}

static void line(struct peer *p, const char *text, size_t octets) {
    if (p->data) {
        if (octets == 3 && text[0] == '.')
            arrived(p);
    } else if (octets >= 4 && !strncasecmp(text, "EHLO", 4)) {
        answer(p, hello, sizeof hello - 1);
    } else if (octets >= 4 && !strncasecmp(text, "DATA", 4)) {
        p->data = true;
        ANSWER(p, "354 go on\r\n");
    } else if (octets >= 4 && !strncasecmp(text, "QUIT", 4)) {
        ANSWER(p, "221 2.0.0 bye\r\n");
        shutdown(p->watched.fd, SHUT_WR);
    } else {
        ANSWER(p, "250 2.0.0 ok\r\n");
    }
}

/* Lines until one has to wait for its answer. */
static void lines(struct peer *p) {
    char *from = p->line, *end = p->line + p->octets, *stop;
    while (!p->answer_at && from < end && (stop = memchr(from, '\n', (size_t)(end - from)))) {
        line(p, from, (size_t)(stop + 1 - from));
        from = stop + 1;
    }
    p->octets = (size_t)(end - from);
    memmove(p->line, from, p->octets);
}

static void forget(struct peer *p) {
    for (struct peer **at = &peers; *at; at = &(*at)->next)
        if (*at == p) {
            *at = p->next;
            break;
        }
    close(p->watched.fd);
    free(p);
}

static void take(void) {
    int fd, one = 1;
    while ((fd = accept4(listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct peer *p = calloc(1, sizeof *p);
        if (!p)
            die("no memory");
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        p->watched = (struct watched){SERVER, fd};
        p->next = peers;
        peers = p;
        watch(&p->watched, EPOLLIN, true);
        ANSWER(p, "220 site.bench.example ESMTP\r\n");
    }
}

void server_event(struct watched *what, uint32_t events) {
    (void)events;
    if (what->kind == LISTENER) {
        take();
        return;
    }
    struct peer *p = (struct peer *)what;
    if (p->octets == sizeof p->line)
        return; /* it waits for its answer */
    ssize_t count = recv(p->watched.fd, p->line + p->octets, sizeof p->line - p->octets, 0);
    if (count <= 0 && !(count < 0 && errno == EAGAIN)) {
        forget(p);
        return;
    }
    p->octets += count > 0 ? (size_t)count : 0;
    lines(p);
    if (p->octets == sizeof p->line && !p->answer_at)
        die("a line of more than %zu octets has arrived", sizeof p->line);
}

void server_tick(void) {
    double at = now();
    for (struct peer *p = peers; p; p = p->next)
        if (p->answer_at && p->answer_at <= at) {
            p->answer_at = 0;
            ANSWER(p, "250 2.0.0 taken\r\n");
            lines(p);
        }
}

/* The load generator's shared parts: see load.c for what it does. */
#ifndef LOAD_H
#define LOAD_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an epoll event belongs to; the first member of everything that is watched. */
enum kind { CLIENT, LISTENER, SERVER };

struct watched {
    enum kind kind;
    int fd;
};

struct settings {
    int port, sessions, recipients;
    long messages;
    bool kept, tls, resume, idle;
    const char *credential; /* AUTH PLAIN's base64, or NULL */
    const char *from, *to, *helo, *source;
    const char *times; /* file for each transaction's, or NULL */
    char *data; /* the message as it travels, with the final dot */
    size_t data_octets;
    int arrival_port; /* 0: no server of our own */
    double pause_s;   /* between an arrival (or reply) and the next message */
    double delay_s;   /* the server's, before it answers a message */
};

/* Times in seconds, kept for percentiles. */
struct series {
    double *values;
    size_t count, room;
};

struct figures {
    long replied, arrived, handshakes, resumed, ready, lost;
    double begin, end, first_arrival;
    struct series reply, transaction, begun, arrival, login;
};

extern struct settings settings;
extern struct figures figures;
extern int poll_fd;
extern volatile bool finished;

double now(void);
void add(struct series *series, double value);
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void watch(struct watched *what, uint32_t events, bool fresh);

/* session.c: the sending side */
void clients_prepare(void);
void clients_start(void);
void client_event(struct watched *what, uint32_t events);
void clients_tick(void);
void clients_arrived(double at);

/* server.c: the receiving side */
void server_start(int port);
void server_event(struct watched *what, uint32_t events);
void server_tick(void);

#endif

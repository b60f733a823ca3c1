/* The sending side: sessions that go through the steps of a conversation, one command at a time. */
#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum step { CONNECT, GREETING, EHLO, STARTTLS, HANDSHAKE, EHLO_TLS, AUTH, IDLE, MAIL, RCPT, DATA, BODY, QUIT, OVER };

static const char *const names[] = {"connecting", "greeting", "EHLO", "STARTTLS", "the handshake", "EHLO", "AUTH",
                                    "an idle session", "MAIL", "RCPT", "DATA", "the message", "QUIT", "-"};

struct session {
    struct watched watched;
    enum step step;
    SSL *ssl;
    uint32_t events; /* that epoll knows */
    bool want_write; /* the TLS library waits to write */
    char command[512], reply[4096];
    const char *out;
    size_t out_octets, reply_octets;
    int recipient;
    double connected_at, mail_at, dot_at, resume_at;
};

static struct session *sessions;
static SSL_CTX *context;
static SSL_SESSION *ticket;
static long unsent; /* messages no session has taken on yet */
static int running, begun;

enum { GROUP = 50 };

static int keep_ticket(SSL *ssl, SSL_SESSION *session) {
    (void)ssl;
    if (ticket)
        SSL_SESSION_free(ticket);
    ticket = session;
    return 1;
}

void clients_prepare(void) {
    unsent = settings.idle ? 0 : settings.messages;
    if (!settings.idle && settings.sessions > unsent)
        settings.sessions = (int)unsent;
    sessions = calloc((size_t)settings.sessions, sizeof *sessions);
    context = SSL_CTX_new(TLS_client_method());
    if (!sessions || !context)
        die("no memory");
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (settings.resume) {
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(context, keep_ticket);
    } else {
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    }
}

static void interest(struct session *s) {
    uint32_t events = EPOLLIN;
    if (s->step == CONNECT || s->out_octets || s->want_write)
        events |= EPOLLOUT;
    if (events != s->events) {
        s->events = events;
        watch(&s->watched, events, false);
    }
}

static void connect_session(struct session *s) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)settings.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int one = 1;
    s->watched.kind = CLIENT;
    s->watched.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->watched.fd < 0)
        die("socket: %s", strerror(errno));
    setsockopt(s->watched.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (settings.source) {
        struct sockaddr_in own = {.sin_family = AF_INET};
        if (inet_pton(AF_INET, settings.source, &own.sin_addr) != 1 ||
            bind(s->watched.fd, (struct sockaddr *)&own, sizeof own))
            die("no connection from %s", settings.source);
    }
    s->step = CONNECT;
    s->reply_octets = s->out_octets = 0;
    s->want_write = false;
    s->connected_at = now();
    unsent--;
    if (connect(s->watched.fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS)
        die("port %d: %s", settings.port, strerror(errno));
    s->events = EPOLLIN | EPOLLOUT;
    watch(&s->watched, s->events, true);
}

/* Idle sessions come in groups: a listener's queue may be short, and what it drops would hang. */
static void connect_group(void) {
    for (int i = 0; i < GROUP && begun < settings.sessions; i++)
        connect_session(&sessions[begun++]);
}

void clients_start(void) {
    running = settings.sessions;
    do
        connect_group();
    while (!settings.idle && begun < settings.sessions);
}

static void close_session(struct session *s) {
    if (s->ssl)
        SSL_free(s->ssl);
    s->ssl = NULL;
    close(s->watched.fd);
    if (unsent > 0) {
        connect_session(s);
        return;
    }
    s->step = OVER;
    if (--running == 0 && !settings.idle)
        finished = true;
}

/* Write what there is to write; false once the connection is gone. */
static void flush(struct session *s) {
    while (s->out_octets) {
        ssize_t done;
        if (s->ssl) {
            done = SSL_write(s->ssl, s->out, (int)s->out_octets);
            if (done <= 0) {
                int error = SSL_get_error(s->ssl, (int)done);
                s->want_write = error == SSL_ERROR_WANT_WRITE;
                if (!s->want_write && error != SSL_ERROR_WANT_READ)
                    die("the connection broke at %s", names[s->step]);
                break;
            }
        } else {
            done = send(s->watched.fd, s->out, s->out_octets, 0);
            if (done < 0) {
                if (errno != EAGAIN)
                    die("the connection broke at %s: %s", names[s->step], strerror(errno));
                break;
            }
        }
        s->out += done;
        s->out_octets -= (size_t)done;
    }
    if (!s->out_octets && s->step == BODY)
        s->dot_at = now();
}

static void say(struct session *s, enum step step, const char *text, size_t octets) {
    s->step = step;
    s->out = text;
    s->out_octets = octets;
    flush(s);
}

static void command(struct session *s, enum step step, const char *verb, const char *argument, const char *end) {
    int octets = snprintf(s->command, sizeof s->command, "%s%s%s\r\n", verb, argument, end);
    if (octets < 0 || (size_t)octets >= sizeof s->command)
        die("%s is too long", names[step]);
    say(s, step, s->command, (size_t)octets);
}

static void mail(struct session *s) {
    s->recipient = settings.recipients;
    s->mail_at = now();
    command(s, MAIL, "MAIL FROM:<", settings.from, ">");
}

static void rcpt(struct session *s) {
    char verb[32] = "RCPT TO:<";
    if (settings.recipients > 1)
        snprintf(verb, sizeof verb, "RCPT TO:<%d", s->recipient);
    s->recipient--;
    command(s, RCPT, verb, settings.to, ">");
}

static void ready(struct session *s) {
    add(&figures.login, now() - s->connected_at);
    if (!settings.idle) {
        mail(s);
        return;
    }
    s->step = IDLE;
    if (++figures.ready == settings.sessions) {
        printf("{\"idle\": %ld}\n", figures.ready);
        fflush(stdout);
    } else if (figures.ready == begun) {
        connect_group();
    }
}

static void login(struct session *s) {
    if (settings.credential)
        command(s, AUTH, "AUTH PLAIN ", settings.credential, "");
    else
        ready(s);
}

/* A message is through: the next one, on this connection or a new one. */
static void next(struct session *s) {
    if (unsent > 0 && settings.kept) {
        unsent--;
        mail(s);
    } else {
        command(s, QUIT, "QUIT", "", "");
    }
}

static void replied(struct session *s) {
    double at = now();
    add(&figures.reply, at - s->dot_at);
    add(&figures.transaction, at - s->mail_at);
    if (settings.times)
        add(&figures.begun, s->mail_at);
    figures.replied++;
    if (settings.arrival_port && figures.arrived < figures.replied)
        s->resume_at = -1; /* clients_arrived goes on */
    else if (settings.pause_s > 0)
        s->resume_at = at + settings.pause_s;
    else
        next(s);
}

/* With -a there is one session, whose message this is. */
void clients_arrived(double at) {
    if (!sessions)
        return;
    struct session *s = &sessions[0];
    add(&figures.arrival, at - s->mail_at);
    if (s->resume_at < 0)
        s->resume_at = at + settings.pause_s;
}

void clients_tick(void) {
    double at = now();
    for (int i = 0; sessions && i < settings.sessions; i++) {
        struct session *s = &sessions[i];
        if (s->resume_at > 0 && s->resume_at <= at) {
            s->resume_at = 0;
            next(s);
            interest(s);
        }
    }
}

static void handshake(struct session *s) {
    if (!s->ssl) {
        s->ssl = SSL_new(context);
        if (!s->ssl || !SSL_set_fd(s->ssl, s->watched.fd))
            die("no memory");
        if (settings.resume && ticket)
            SSL_set_session(s->ssl, ticket);
    }
    s->step = HANDSHAKE;
    ERR_clear_error();
    int done = SSL_connect(s->ssl), error = SSL_get_error(s->ssl, done);
    s->want_write = error == SSL_ERROR_WANT_WRITE;
    if (done == 1) {
        figures.handshakes++;
        figures.resumed += SSL_session_reused(s->ssl);
        command(s, EHLO_TLS, "EHLO ", settings.helo, "");
    } else if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
        die("no TLS: %s", ERR_reason_error_string(ERR_peek_last_error()));
    }
}

static void expect(struct session *s, const char *code) {
    if (strncmp(s->reply, code, strlen(code)))
        die("reply to %s: %.200s", names[s->step], s->reply);
}

/* One whole reply has come. */
static void step(struct session *s) {
    if (s->step == IDLE) { /* "421 too long idle" */
        figures.lost++;
        close_session(s);
        return;
    }
    static const char *const codes[] = {[GREETING] = "220", [EHLO] = "250", [STARTTLS] = "220", [EHLO_TLS] = "250",
                                        [AUTH] = "235",     [MAIL] = "250", [RCPT] = "250",     [DATA] = "354",
                                        [BODY] = "250",     [QUIT] = "221"};
    expect(s, codes[s->step] ? codes[s->step] : "never");
    switch (s->step) {
    case GREETING: command(s, EHLO, "EHLO ", settings.helo, ""); break;
    case EHLO:
        if (settings.tls)
            command(s, STARTTLS, "STARTTLS", "", "");
        else
            login(s);
        break;
    case STARTTLS: handshake(s); break;
    case EHLO_TLS: login(s); break;
    case AUTH: ready(s); break;
    case MAIL: rcpt(s); break;
    case RCPT:
        if (s->recipient)
            rcpt(s);
        else
            command(s, DATA, "DATA", "", "");
        break;
    case DATA: say(s, BODY, settings.data, settings.data_octets); break;
    case BODY: replied(s); break;
    case QUIT: close_session(s); break;
    default: die("a reply nobody waits for: %.200s", s->reply);
    }
}

/* The length of a whole reply at the buffer's beginning, or 0. */
static size_t whole_reply(const struct session *s) {
    const char *line = s->reply, *end = s->reply + s->reply_octets, *stop;
    while (line < end && (stop = memchr(line, '\n', (size_t)(end - line)))) {
        if (stop - line < 4 || line[3] != '-')
            return (size_t)(stop + 1 - s->reply);
        line = stop + 1;
    }
    return 0;
}

static ssize_t receive(struct session *s) {
    char *place = s->reply + s->reply_octets;
    size_t room = sizeof s->reply - 1 - s->reply_octets;
    if (!s->ssl) {
        ssize_t count = recv(s->watched.fd, place, room, 0);
        return count < 0 && errno == EAGAIN ? -1 : count < 0 ? 0 : count;
    }
    int count = SSL_read(s->ssl, place, (int)room), error = SSL_get_error(s->ssl, count);
    if (count > 0)
        return count;
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? -1 : 0;
}

static void read_replies(struct session *s) {
    while (s->step != OVER && s->step != CONNECT && s->step != HANDSHAKE) {
        ssize_t count = receive(s);
        if (count < 0)
            return;
        if (count == 0) {
            if (s->step != IDLE)
                die("the server closed the connection at %s", names[s->step]);
            figures.lost++;
            close_session(s);
            return;
        }
        s->reply_octets += (size_t)count;
        s->reply[s->reply_octets] = 0;
        if (whole_reply(s)) {
            s->reply_octets = 0;
            step(s);
        } else if (s->reply_octets == sizeof s->reply - 1) {
            die("the reply to %s is too long", names[s->step]);
        }
    }
}

static void connected(struct session *s) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(s->watched.fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error)
        die("port %d: %s", settings.port, strerror(error));
    s->step = GREETING;
}

void client_event(struct watched *what, uint32_t events) {
    struct session *s = (struct session *)what;
    if (s->step == OVER)
        return;
    if (s->step == CONNECT && events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
        connected(s);
    else if (s->step == HANDSHAKE)
        handshake(s);
    if (s->step != HANDSHAKE && s->out_octets)
        flush(s);
    if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
        read_replies(s);
    if (s->step != OVER)
        interest(s);
}

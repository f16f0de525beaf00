/*
 * coapload - closed-loop CoAP-over-UDP load generator for loopback benchmarks.
 *
 *   cc -O2 -Wall -Wextra -o coapload coapload.c
 *
 *   coapload get  coap://127.0.0.1:5683/time            plain request load
 *   coapload put  coap://127.0.0.1:5683/x -e hello -f 0
 *   coapload lwm2m coap://127.0.0.1:5683 -c 10000       register, update, deregister a fleet
 *   coapload lwm2m … -a 21.5 -p register,linger:2,notify:5    what the server observes of each device
 *
 * How it works
 *   A fixed window of requests is kept outstanding (-w). Whenever an answer
 *   arrives its slot is refilled at once, so the offered load follows the
 *   server: what is measured is the rate the server sustains at that window and
 *   the latency its clients see there. sendmmsg/recvmmsg move up to 64 datagrams
 *   per system call, so one core of generator is enough for most servers.
 *
 * Many clients, one socket
 *   Client number c sends from its own loopback address, 127.16.0.0 + c, chosen
 *   per datagram with IP_PKTINFO. To the server they are distinct endpoints.
 *   This matters twice: an LwM2M server tells devices apart by address, and a
 *   CoAP server must remember every Message ID of an endpoint for
 *   EXCHANGE_LIFETIME (247 s). A generator that cycles 65536 Message IDs on a
 *   single endpoint faster than that measures the server's duplicate filter.
 *   coapload says so ("mid-reuse") if a run was long enough for that to happen.
 *
 * The target must be in 127.0.0.0/8; anything else is refused.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    BATCH = 64,            /* datagrams per sendmmsg/recvmmsg call */
    MAX_MESSAGE = 1280,    /* largest request built here */
    MAX_REPLY = 2048,      /* largest datagram looked at */
    MAX_WINDOW = 65535,    /* the slot number travels in 16 token bits */
    MAX_CLIENTS = 1 << 20, /* 127.16.0.0 .. 127.31.255.255 */
    MAX_LOCATION = 64,     /* encoded Location-Path of one registration */
    TOKEN_LENGTH = 4,
    EXCHANGE_LIFETIME_S = 247
};

enum { TYPE_CON, TYPE_NON, TYPE_ACK, TYPE_RST };
enum { GET = 1, POST, PUT, DELETE, FETCH, PATCH, IPATCH };
enum { OPT_OBSERVE = 6, OPT_LOCATION_PATH = 8, OPT_URI_PATH = 11, OPT_CONTENT_FORMAT = 12, OPT_URI_QUERY = 15, OPT_ACCEPT = 17 };

#define CODE(class, detail) ((class) << 5 | (detail))
#define NS_PER_S 1000000000ull

/* ---------------------------------------------------------------- settings */

struct settings {
    struct sockaddr_in target;
    const char *path, *query, *payload;
    const char *answer; /* payload for requests the server sends to us */
    const char *phases;
    int method, format, accept, cpu, server_pid;
    uint32_t clients, window;
    uint64_t requests;
    double duration_s, warmup_s, linger_s;
    uint64_t timeout_ns;
    int retries;
    bool non, json, lwm2m;
};

static struct settings cfg = {
    .format = -1, .accept = -1, .cpu = -1, .clients = 256, .window = 64, .duration_s = 10, .warmup_s = 1,
    .timeout_ns = 2 * NS_PER_S, .phases = "register,update,deregister",
};

static void die(const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    fputs("coapload: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    exit(2);
}

static void *xcalloc(size_t n, size_t size) {
    void *p = calloc(n, size);
    if (!p) die("out of memory");
    return p;
}

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t) t.tv_sec * NS_PER_S + (uint64_t) t.tv_nsec;
}

/* --------------------------------------------------------------- histogram */

/* Log-linear buckets: 64 per power of two, so a percentile is off by under 1.6 %. */
enum { SUB_BITS = 6, SUB = 1 << SUB_BITS, BUCKETS = SUB * 40 };

struct histogram {
    uint64_t count[BUCKETS], total, max;
    double sum;
};

static void histogram_add(struct histogram *h, uint64_t v) {
    unsigned i = (unsigned) v;
    if (v >= SUB) {
        unsigned shift = 63u - (unsigned) __builtin_clzll(v) - SUB_BITS;
        i = (shift + 1) * SUB + (unsigned) ((v >> shift) & (SUB - 1));
        if (i >= BUCKETS) i = BUCKETS - 1;
    }
    h->count[i]++;
    h->total++;
    h->sum += (double) v;
    if (v > h->max) h->max = v;
}

static double histogram_percentile(const struct histogram *h, double p) {
    uint64_t rank = (uint64_t) ceil(p / 100 * (double) h->total), seen = 0;
    for (unsigned i = 0; i < BUCKETS; i++) {
        seen += h->count[i];
        if (seen && seen >= rank) {
            if (i < SUB) return i;
            unsigned shift = i / SUB - 1;
            double upper = (double) (((uint64_t) (SUB + i % SUB) + 1) << shift);
            return upper < (double) h->max ? upper : (double) h->max;
        }
    }
    return 0;
}

/* -------------------------------------------------------- message building */

struct writer {
    uint8_t *at, *end;
    int option; /* number of the last option written */
};

static void put_bytes(struct writer *w, const void *p, size_t n) {
    if ((size_t) (w->end - w->at) < n) die("request longer than %d bytes", MAX_MESSAGE);
    memcpy(w->at, p, n);
    w->at += n;
}

/* Writes the 4-bit field of an option header and returns its extension in ext[]. */
static int option_nibble(size_t v, uint8_t ext[2], int *ext_length) {
    if (v < 13) return *ext_length = 0, (int) v;
    if (v < 269) return ext[0] = (uint8_t) (v - 13), *ext_length = 1, 13;
    v -= 269;
    ext[0] = (uint8_t) (v >> 8), ext[1] = (uint8_t) v, *ext_length = 2;
    return 14;
}

static void put_option(struct writer *w, int number, const void *value, size_t length) {
    uint8_t delta_ext[2], length_ext[2], head;
    int delta_n, length_n;
    head = (uint8_t) (option_nibble((size_t) (number - w->option), delta_ext, &delta_n) << 4);
    head |= (uint8_t) option_nibble(length, length_ext, &length_n);
    put_bytes(w, &head, 1);
    put_bytes(w, delta_ext, (size_t) delta_n);
    put_bytes(w, length_ext, (size_t) length_n);
    put_bytes(w, value, length);
    w->option = number;
}

static void put_uint_option(struct writer *w, int number, unsigned value) {
    uint8_t b[4];
    int n = 0;
    for (int shift = 24; shift >= 0; shift -= 8)
        if (n || value >> shift) b[n++] = (uint8_t) (value >> shift);
    put_option(w, number, b, (size_t) n);
}

/* Copies text to out, replacing {c} by the client number and {i} by the request number. */
static size_t expand(char *out, size_t size, const char *text, size_t length, uint32_t client, uint64_t request) {
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        if (n + 24 > size) die("text too long after expansion");
        if (i + 2 < length && text[i] == '{' && text[i + 2] == '}' && (text[i + 1] == 'c' || text[i + 1] == 'i')) {
            n += (size_t) sprintf(out + n, "%llu",
                                  text[i + 1] == 'c' ? (unsigned long long) client : (unsigned long long) request);
            i += 2;
        } else {
            out[n++] = text[i];
        }
    }
    return n;
}

static void put_text_options(struct writer *w, int number, const char *text, char separator, uint32_t client,
                             uint64_t request) {
    char segment[512];
    while (text && *text) {
        const char *end = strchrnul(text, separator);
        if (end > text) {
            size_t n = expand(segment, sizeof(segment), text, (size_t) (end - text), client, request);
            put_option(w, number, segment, n);
        }
        text = *end ? end + 1 : end;
    }
}

static struct writer begin_message(uint8_t *buffer, int type, int code, uint16_t mid, const uint8_t *token,
                                   size_t token_length) {
    struct writer w = { buffer, buffer + MAX_MESSAGE, 0 };
    uint8_t head[4] = { (uint8_t) (0x40 | type << 4 | (int) token_length), (uint8_t) code, (uint8_t) (mid >> 8),
                        (uint8_t) mid };
    put_bytes(&w, head, 4);
    put_bytes(&w, token, token_length);
    return w;
}

static void put_payload(struct writer *w, const char *text, uint32_t client, uint64_t request) {
    char out[MAX_MESSAGE];
    if (!text || !*text) return;
    put_bytes(w, "\xff", 1);
    put_bytes(w, out, expand(out, sizeof(out), text, strlen(text), client, request));
}

/* --------------------------------------------------------- message parsing */

struct message {
    int type, code;
    uint16_t mid;
    size_t token_length;
    const uint8_t *token, *options, *end;
};

static bool parse_message(const uint8_t *p, size_t n, struct message *m) {
    if (n < 4 || p[0] >> 6 != 1 || (p[0] & 15) > 8 || n < 4u + (p[0] & 15)) return false;
    m->type = p[0] >> 4 & 3;
    m->token_length = p[0] & 15;
    m->code = p[1];
    m->mid = (uint16_t) (p[2] << 8 | p[3]);
    m->token = p + 4;
    m->options = p + 4 + m->token_length;
    m->end = p + n;
    return true;
}

struct coap_option {
    int number;
    const uint8_t *value;
    size_t length;
};

/* Steps to the next option; starts with {0} and returns false at the payload or the end. */
static bool next_option(const struct message *m, const uint8_t **at, struct coap_option *o) {
    const uint8_t *p = *at;
    if (p >= m->end || *p == 0xff) return false;
    size_t field[2] = { *p >> 4, *p & 15 };
    p++;
    for (int i = 0; i < 2; i++) {
        if (field[i] == 15) return false;
        if (field[i] == 13) {
            if (p + 1 > m->end) return false;
            field[i] = 13u + *p++;
        } else if (field[i] == 14) {
            if (p + 2 > m->end) return false;
            field[i] = 269u + (size_t) (p[0] << 8 | p[1]);
            p += 2;
        }
    }
    if ((size_t) (m->end - p) < field[1]) return false;
    o->number += (int) field[0];
    o->value = p;
    o->length = field[1];
    *at = p + field[1];
    return true;
}

/* ------------------------------------------------------------------ engine */

struct client {
    uint16_t mid;
    uint32_t requests;
    char location[MAX_LOCATION]; /* "rd/5a3f", from the answer to a registration */
    uint8_t observe_token[8], observe_token_length; /* of the latest observe request of the server */
    bool observed;
    uint32_t sequence; /* of the latest notification */
};

struct slot {
    uint64_t first_sent, last_sent;
    uint32_t client, previous, next; /* neighbours in the order of last_sent */
    uint16_t length, generation, mid;
    uint8_t tries;
    bool busy, acknowledged;
    uint8_t message[MAX_MESSAGE];
};

struct outbox {
    struct mmsghdr header[BATCH];
    struct iovec vector[BATCH];
    struct sockaddr_in to[BATCH];
    union {
        char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
        struct cmsghdr align;
    } control[BATCH];
    uint8_t scratch[BATCH][MAX_MESSAGE]; /* for acknowledgements and answers */
    unsigned count;
};

struct counters {
    uint64_t sent, completed, failed, lost, resets, retransmissions, separate, answered, stray;
    uint64_t by_code[256];
    struct histogram latency;
};

struct phase {
    const char *name, *path, *query, *payload;
    int method, format, accept; /* format and accept: -1 for none */
    bool to_location;           /* address the client's own registration instead of path */
    bool save_location;         /* remember Location-Path of the answer */
    bool notify;                /* 2.05 on the client's observation, ended by the Acknowledgement */
    uint64_t limit;             /* stop after that many requests; 0: by time */
    double duration_s, warmup_s;
};

static int sock;
static struct client *clients;
static struct slot *slots;
static uint32_t *free_slots, free_count;
static uint32_t oldest, newest; /* ends of the timeout list; NONE if empty */
static struct outbox outbox;
static struct counters stats;
static volatile sig_atomic_t interrupted;
static const uint32_t NONE = UINT32_MAX;

static void on_signal(int signal_number) {
    (void) signal_number;
    interrupted = 1;
}

static struct in_addr client_address(uint32_t client) {
    return (struct in_addr) { htonl((127u << 24 | 16u << 16) + client) };
}

static void flush_outbox(void) {
    unsigned done = 0;
    while (done < outbox.count) {
        int n = sendmmsg(sock, outbox.header + done, outbox.count - done, 0);
        if (n > 0) {
            done += (unsigned) n;
        } else if (errno == EAGAIN || errno == ENOBUFS) {
            poll(&(struct pollfd) { .fd = sock, .events = POLLOUT }, 1, 10);
        } else if (errno != EINTR && errno != ECONNREFUSED) {
            die("sendmmsg: %s", strerror(errno));
        }
    }
    outbox.count = 0;
}

static void enqueue(const uint8_t *message, size_t length, struct in_addr from, const struct sockaddr_in *to) {
    unsigned i = outbox.count++;
    struct msghdr *h = &outbox.header[i].msg_hdr;
    outbox.to[i] = *to;
    outbox.vector[i] = (struct iovec) { (void *) (uintptr_t) message, length };
    *h = (struct msghdr) { .msg_name = &outbox.to[i], .msg_namelen = sizeof(*to), .msg_iov = &outbox.vector[i],
                           .msg_iovlen = 1, .msg_control = outbox.control[i].bytes,
                           .msg_controllen = sizeof(outbox.control[i].bytes) };
    struct cmsghdr *c = CMSG_FIRSTHDR(h);
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = IP_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
    memcpy(CMSG_DATA(c), &(struct in_pktinfo) { .ipi_spec_dst = from }, sizeof(struct in_pktinfo));
    if (outbox.count == BATCH) flush_outbox();
}

static void list_remove(uint32_t s) {
    struct slot *e = &slots[s];
    if (e->previous == NONE) oldest = e->next; else slots[e->previous].next = e->next;
    if (e->next == NONE) newest = e->previous; else slots[e->next].previous = e->previous;
}

static void list_append(uint32_t s) {
    slots[s].previous = newest;
    slots[s].next = NONE;
    if (newest == NONE) oldest = s; else slots[newest].next = s;
    newest = s;
}

static void transmit(uint32_t s, uint64_t now) {
    slots[s].last_sent = now;
    list_append(s);
    enqueue(slots[s].message, slots[s].length, client_address(slots[s].client), &cfg.target);
}

static void release(uint32_t s) {
    list_remove(s);
    slots[s].busy = false;
    free_slots[free_count++] = s;
}

static void start_request(const struct phase *phase, uint32_t client_number, uint64_t request, uint64_t now) {
    uint32_t s = free_slots[--free_count];
    struct slot *e = &slots[s];
    struct client *c = &clients[client_number];
    e->generation++;
    e->client = client_number;
    e->mid = c->mid++;
    e->tries = 1;
    e->busy = true;
    e->acknowledged = false;
    e->first_sent = now;
    c->requests++;

    uint8_t token[TOKEN_LENGTH] = { (uint8_t) (s >> 8), (uint8_t) s, (uint8_t) (e->generation >> 8),
                                    (uint8_t) e->generation };
    struct writer w;
    if (phase->notify) {
        w = begin_message(e->message, TYPE_CON, CODE(2, 5), e->mid, c->observe_token, c->observe_token_length);
        put_uint_option(&w, OPT_OBSERVE, ++c->sequence & 0xffffff);
    } else {
        w = begin_message(e->message, cfg.non ? TYPE_NON : TYPE_CON, phase->method, e->mid, token, sizeof(token));
    }
    const char *path = phase->to_location ? c->location : phase->path;
    put_text_options(&w, OPT_URI_PATH, path, '/', client_number, request);
    if (phase->format >= 0) put_uint_option(&w, OPT_CONTENT_FORMAT, (unsigned) phase->format);
    put_text_options(&w, OPT_URI_QUERY, phase->query, '&', client_number, request);
    if (phase->accept >= 0) put_uint_option(&w, OPT_ACCEPT, (unsigned) phase->accept);
    put_payload(&w, phase->payload, client_number, request);
    e->length = (uint16_t) (w.at - e->message);
    stats.sent++;
    transmit(s, now);
}

/* Retransmits or gives up on requests without an answer; the list is in sending order. */
static void expire(uint64_t now) {
    while (oldest != NONE && now - slots[oldest].last_sent >= cfg.timeout_ns) {
        uint32_t s = oldest;
        if (!cfg.non && !slots[s].acknowledged && slots[s].tries <= cfg.retries) {
            list_remove(s);
            slots[s].tries++;
            stats.retransmissions++;
            transmit(s, now);
        } else {
            stats.lost++;
            release(s);
        }
    }
}

static void save_location(struct client *c, const struct message *m) {
    struct coap_option o = { 0 };
    const uint8_t *at = m->options;
    size_t n = 0;
    while (next_option(m, &at, &o)) {
        if (o.number != OPT_LOCATION_PATH) continue;
        if (n + o.length + 2 > MAX_LOCATION) die("Location-Path longer than %d bytes", MAX_LOCATION);
        if (n) c->location[n++] = '/';
        memcpy(c->location + n, o.value, o.length);
        n += o.length;
    }
    c->location[n] = 0;
}

/* Remembers or forgets what the server observes; true if the request asks to observe. */
static bool note_observation(const struct message *m, struct in_addr self) {
    uint32_t number = ntohl(self.s_addr) - (127u << 24 | 16u << 16);
    struct coap_option o = { 0 };
    const uint8_t *at = m->options;
    while (next_option(m, &at, &o)) {
        if (o.number != OPT_OBSERVE || number >= cfg.clients) continue;
        struct client *c = &clients[number];
        c->observed = o.length == 0;
        c->observe_token_length = (uint8_t) m->token_length;
        memcpy(c->observe_token, m->token, m->token_length);
        return c->observed;
    }
    return false;
}

/* Answers a request of the server, as a device would: 2.05 to reads, 2.04 to the rest. */
static void answer_request(const struct message *m, struct in_addr self, const struct sockaddr_in *peer) {
    bool read = m->code == GET || m->code == FETCH;
    struct writer w = begin_message(outbox.scratch[outbox.count], m->type == TYPE_CON ? TYPE_ACK : TYPE_NON,
                                    read ? CODE(2, 5) : CODE(2, 4), m->mid, m->token, m->token_length);
    if (read) {
        if (note_observation(m, self)) put_uint_option(&w, OPT_OBSERVE, 0);
        put_uint_option(&w, OPT_CONTENT_FORMAT, 0);
        put_payload(&w, cfg.answer, 0, 0);
    }
    stats.answered++;
    uint8_t *start = outbox.scratch[outbox.count];
    enqueue(start, (size_t) (w.at - start), self, peer);
}

static void handle_datagram(const struct phase *phase, const uint8_t *p, size_t n, struct in_addr self,
                            const struct sockaddr_in *peer, uint64_t now, bool measured) {
    struct message m;
    if (!parse_message(p, n, &m)) {
        stats.stray++;
        return;
    }
    if (m.code > 0 && m.code < CODE(1, 0)) {
        if (cfg.answer) answer_request(&m, self, peer); else stats.stray++;
        return;
    }
    if (m.type == TYPE_CON) { /* a separate response: confirm it even if it is a duplicate */
        uint8_t *ack = outbox.scratch[outbox.count];
        begin_message(ack, TYPE_ACK, 0, m.mid, NULL, 0);
        enqueue(ack, 4, self, peer);
    }
    if (m.code == 0) { /* empty: no token, so look the Message ID up among this client's slots */
        for (uint32_t s = oldest; s != NONE; s = slots[s].next) {
            if (slots[s].mid != m.mid || client_address(slots[s].client).s_addr != self.s_addr) continue;
            if (m.type == TYPE_RST) {
                stats.resets++;
                release(s);
            } else if (phase->notify) {
                stats.by_code[0]++;
                stats.completed++;
                if (measured) histogram_add(&stats.latency, now - slots[s].first_sent);
                release(s);
            } else {
                slots[s].acknowledged = true;
                stats.separate++;
            }
            break;
        }
        return;
    }
    uint32_t s = m.token_length == TOKEN_LENGTH ? (uint32_t) (m.token[0] << 8 | m.token[1]) : NONE;
    if (s >= cfg.window || !slots[s].busy || slots[s].generation != (m.token[2] << 8 | m.token[3])) {
        stats.stray++; /* a duplicate, or too late */
        return;
    }
    stats.by_code[m.code]++;
    if (m.code >> 5 != 2) stats.failed++;
    else if (phase->save_location) save_location(&clients[slots[s].client], &m);
    stats.completed++;
    if (measured) histogram_add(&stats.latency, now - slots[s].first_sent);
    release(s);
}

/* Reads what is there; returns the number of datagrams. */
static int receive(const struct phase *phase, bool measured) {
    static uint8_t data[BATCH][MAX_REPLY];
    static struct mmsghdr header[BATCH];
    static struct iovec vector[BATCH];
    static struct sockaddr_in from[BATCH];
    static union {
        char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
        struct cmsghdr align;
    } control[BATCH];

    for (int i = 0; i < BATCH; i++) {
        vector[i] = (struct iovec) { data[i], MAX_REPLY };
        header[i].msg_hdr = (struct msghdr) { .msg_name = &from[i], .msg_namelen = sizeof(from[i]),
                                              .msg_iov = &vector[i], .msg_iovlen = 1, .msg_control = control[i].bytes,
                                              .msg_controllen = sizeof(control[i].bytes) };
    }
    int n = recvmmsg(sock, header, BATCH, MSG_DONTWAIT, NULL);
    if (n <= 0) return 0;
    uint64_t now = now_ns();
    for (int i = 0; i < n; i++) {
        struct in_addr self = { 0 };
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&header[i].msg_hdr); c; c = CMSG_NXTHDR(&header[i].msg_hdr, c))
            if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
                struct in_pktinfo info;
                memcpy(&info, CMSG_DATA(c), sizeof(info));
                self = info.ipi_addr;
            }
        handle_datagram(phase, data[i], header[i].msg_len, self, &from[i], now, measured);
    }
    return n;
}

/* ------------------------------------------------------------------ report */

struct usage {
    double server_s;            /* CPU time of the server process, if its pid is known */
    double self_s, machine_s;   /* of this process; of everything that runs on the machine */
    long rss_kib, peak_kib;
};

/* CPU time of all threads in nanoseconds' precision, where /proc/PID/stat has ticks of 10 ms. 0: not available. */
static double threads_cpu(int pid) {
    char name[64];
    double seconds = 0;
    snprintf(name, sizeof(name), "/proc/%d/task", pid);
    DIR *tasks = opendir(name);
    for (struct dirent *task; tasks && (task = readdir(tasks));) {
        unsigned long long ns;
        char path[sizeof(name) + sizeof(task->d_name) + 16];
        snprintf(path, sizeof(path), "%s/%s/schedstat", name, task->d_name);
        FILE *f = task->d_name[0] == '.' ? NULL : fopen(path, "r");
        if (!f) continue;
        if (fscanf(f, "%llu", &ns) == 1) seconds += (double) ns / 1e9;
        fclose(f);
    }
    if (tasks) closedir(tasks);
    return seconds;
}

static struct usage read_usage(int pid) {
    struct usage u = { 0 };
    char name[64], line[512];
    unsigned long user = 0, kernel = 0;
    double tick = (double) sysconf(_SC_CLK_TCK);
    struct rusage self;
    getrusage(RUSAGE_SELF, &self);
    u.self_s = (double) (self.ru_utime.tv_sec + self.ru_stime.tv_sec)
               + (double) (self.ru_utime.tv_usec + self.ru_stime.tv_usec) / 1e6;
    FILE *f = fopen("/proc/stat", "r");
    unsigned long t[8] = { 0 }; /* user nice system idle iowait irq softirq steal */
    if (f && fscanf(f, "cpu %lu %lu %lu %lu %lu %lu %lu %lu", t, t + 1, t + 2, t + 3, t + 4, t + 5, t + 6, t + 7) == 8)
        u.machine_s = (double) (t[0] + t[1] + t[2] + t[5] + t[6] + t[7]) / tick;
    if (f) fclose(f);
    if (pid <= 0) return u;
    snprintf(name, sizeof(name), "/proc/%d/stat", pid);
    if (!(f = fopen(name, "r"))) die("no process %d", pid);
    char *after_name = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
    if (after_name) sscanf(after_name + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel);
    fclose(f);
    u.server_s = threads_cpu(pid);
    if (u.server_s == 0) u.server_s = (double) (user + kernel) / tick;
    snprintf(name, sizeof(name), "/proc/%d/status", pid);
    if ((f = fopen(name, "r"))) {
        while (fgets(line, sizeof(line), f)) {
            sscanf(line, "VmRSS: %ld", &u.rss_kib);
            sscanf(line, "VmHWM: %ld", &u.peak_kib);
        }
        fclose(f);
    }
    return u;
}

static void report(const struct phase *phase, double seconds, uint64_t completed, const struct usage *before,
                   const struct usage *after, bool mid_reuse) {
    const struct histogram *h = &stats.latency;
    double us[] = { h->total ? h->sum / (double) h->total / 1e3 : 0, histogram_percentile(h, 50) / 1e3,
                    histogram_percentile(h, 90) / 1e3, histogram_percentile(h, 99) / 1e3,
                    histogram_percentile(h, 99.9) / 1e3, (double) h->max / 1e3 };
    double rate = seconds > 0 ? (double) completed / seconds : 0;
    double server_cpu = after->server_s - before->server_s;
    double server_us = completed ? server_cpu / (double) completed * 1e6 : 0;
    double self_cpu = after->self_s - before->self_s;
    double foreign = after->machine_s - before->machine_s - self_cpu - server_cpu;
    foreign = cfg.server_pid && seconds > 0 && foreign > 0 ? foreign / seconds : 0; /* in cores */

    if (cfg.json) {
        printf("{\"phase\":\"%s\",\"seconds\":%.3f,\"completed\":%llu,\"rate\":%.1f,\"failed\":%llu,\"lost\":%llu,"
               "\"resets\":%llu,\"retransmissions\":%llu,\"separate\":%llu,\"answered\":%llu,\"stray\":%llu,"
               "\"latency_us\":{\"mean\":%.1f,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f},"
               "\"clients\":%u,\"window\":%u,\"mid_reuse\":%s,\"codes\":{",
               phase->name, seconds, (unsigned long long) completed, rate, (unsigned long long) stats.failed,
               (unsigned long long) stats.lost, (unsigned long long) stats.resets,
               (unsigned long long) stats.retransmissions, (unsigned long long) stats.separate,
               (unsigned long long) stats.answered, (unsigned long long) stats.stray, us[0], us[1], us[2], us[3], us[4],
               us[5], cfg.clients, cfg.window, mid_reuse ? "true" : "false");
        const char *comma = "";
        for (int c = 0; c < 256; c++)
            if (stats.by_code[c]) {
                printf("%s\"%d.%02d\":%llu", comma, c >> 5, c & 31, (unsigned long long) stats.by_code[c]);
                comma = ",";
            }
        printf("}");
        if (cfg.server_pid)
            printf(",\"server\":{\"cpu_s\":%.4f,\"cpu_us_per_request\":%.2f,\"rss_kib\":%ld,\"peak_kib\":%ld},"
                   "\"generator_cpu_s\":%.2f,\"foreign_cores\":%.2f",
                   server_cpu, server_us, after->rss_kib, after->peak_kib, self_cpu, foreign);
        printf("}\n");
    } else {
        printf("%-10s %9.0f req/s  (%llu in %.2f s; window %u, clients %u)\n", phase->name, rate,
               (unsigned long long) completed, seconds, cfg.window, cfg.clients);
        printf("  latency us: mean %.0f  p50 %.0f  p90 %.0f  p99 %.0f  p99.9 %.0f  max %.0f\n", us[0], us[1], us[2],
               us[3], us[4], us[5]);
        printf("  answers:");
        for (int c = 0; c < 256; c++)
            if (stats.by_code[c])
                printf(" %d.%02d=%llu", c >> 5, c & 31, (unsigned long long) stats.by_code[c]);
        printf("  lost=%llu resets=%llu retransmitted=%llu separate=%llu stray=%llu", (unsigned long long) stats.lost,
               (unsigned long long) stats.resets, (unsigned long long) stats.retransmissions,
               (unsigned long long) stats.separate, (unsigned long long) stats.stray);
        if (cfg.answer) printf(" answered=%llu", (unsigned long long) stats.answered);
        printf("\n");
        if (cfg.server_pid)
            printf("  server: %.2f s cpu (%.1f us/req), rss %.1f MiB, peak %.1f MiB; generator %.2f s cpu\n",
                   server_cpu, server_us, (double) after->rss_kib / 1024, (double) after->peak_kib / 1024, self_cpu);
        if (foreign > 0.1 && seconds > 0.5) printf("  disturbed: other processes used %.2f cores meanwhile\n", foreign);
        if (mid_reuse)
            printf("  mid-reuse: a client used over 65536 Message IDs within %d s; raise --clients\n",
                   EXCHANGE_LIFETIME_S);
    }
    fflush(stdout);
}

/* ------------------------------------------------------------------ phases */

static void run_phase(const struct phase *phase) {
    uint64_t begin = now_ns(), measure_from = begin + (uint64_t) (phase->warmup_s * 1e9);
    uint64_t stop_at = phase->duration_s > 0 ? measure_from + (uint64_t) (phase->duration_s * 1e9) : UINT64_MAX;
    uint64_t request = 0, completed_before = 0, ended = 0, next_expiry = 0;
    struct usage before = read_usage(cfg.server_pid);
    bool measuring = phase->warmup_s <= 0;

    memset(&stats, 0, sizeof(stats));
    for (uint32_t c = 0; c < cfg.clients; c++) clients[c].requests = 0;

    for (;;) {
        uint64_t now = now_ns();
        if (!measuring && now >= measure_from) {
            measuring = true;
            measure_from = now;
            completed_before = stats.completed;
            before = read_usage(cfg.server_pid);
        }
        bool stopping = interrupted || now >= stop_at || (phase->limit && request >= phase->limit);
        if (stopping && !ended && !(phase->limit && request >= phase->limit)) ended = now;
        if (stopping && (ended || free_count == cfg.window)) break;
        for (; free_count && !stopping && (!phase->limit || request < phase->limit); request++) {
            uint32_t c = (uint32_t) (request % cfg.clients);
            if (phase->to_location && !clients[c].location[0]) continue; /* it never registered */
            if (phase->notify && !clients[c].observed) continue;
            start_request(phase, c, request, now);
        }
        if (outbox.count) flush_outbox();
        if (!receive(phase, measuring)) poll(&(struct pollfd) { .fd = sock, .events = POLLIN }, 1, 10);
        if (now >= next_expiry) {
            expire(now);
            next_expiry = now + NS_PER_S / 200;
        }
    }
    if (!ended) ended = now_ns();
    uint64_t completed = stats.completed - completed_before;
    struct usage after = read_usage(cfg.server_pid);

    /* what is still outstanding at a timed end is awaited, but not counted */
    for (uint64_t give_up = now_ns() + cfg.timeout_ns; free_count < cfg.window && now_ns() < give_up && !interrupted;) {
        if (!receive(phase, false)) poll(&(struct pollfd) { .fd = sock, .events = POLLIN }, 1, 10);
        if (outbox.count) flush_outbox();
    }
    while (oldest != NONE) {
        stats.lost++;
        release(oldest);
    }

    double total_s = (double) (ended - begin) / 1e9;
    bool mid_reuse = false;
    for (uint32_t c = 0; c < cfg.clients; c++)
        if (clients[c].requests > 65536 && clients[c].requests * (double) EXCHANGE_LIFETIME_S / total_s > 65536)
            mid_reuse = true;
    report(phase, (double) (ended - measure_from) / 1e9, completed, &before, &after, mid_reuse);
}

static void linger(double seconds) {
    struct phase idle = { .name = "linger" };
    uint64_t until = now_ns() + (uint64_t) (seconds * 1e9);
    memset(&stats, 0, sizeof(stats));
    while (!interrupted && now_ns() < until) {
        if (!receive(&idle, false)) poll(&(struct pollfd) { .fd = sock, .events = POLLIN }, 1, 10);
        if (outbox.count) flush_outbox();
    }
    fprintf(stderr, "linger: answered %llu requests\n", (unsigned long long) stats.answered);
}

static void run_lwm2m(void) {
    const struct phase known[] = {
        { .name = "register", .method = POST, .path = cfg.path && *cfg.path ? cfg.path : "rd", .format = 40,
          .query = cfg.query ? cfg.query : "ep=load-{c}&lt=3600&lwm2m=1.1&b=U", .save_location = true,
          .payload = cfg.payload ? cfg.payload : "</>;rt=\"oma.lwm2m\";ct=110,"
                                                 "</1/0>,</3/0>,</4/0>,</5/0>,</6/0>" },
        { .name = "update", .method = POST, .format = -1, .to_location = true },
        { .name = "send", .method = POST, .path = "dp", .format = 110,
          .payload = "[{\"n\":\"/3/0/9\",\"v\":{i}}]" },
        { .name = "notify", .format = 0, .notify = true, .payload = "{i}.5" },
        { .name = "notify-senml", .format = 110, .notify = true, .payload = "[{\"n\":\"/3303/0/5700\",\"v\":{i}.5}]" },
        { .name = "deregister", .method = DELETE, .format = -1, .to_location = true },
    };
    const size_t known_count = sizeof(known) / sizeof(*known);

    char *list = strdup(cfg.phases), *rest = list, *name;
    while ((name = strsep(&rest, ",")) && !interrupted) {
        char *colon = strchr(name, ':');
        unsigned long rounds = colon ? strtoul(colon + 1, NULL, 10) : 1;
        if (colon) *colon = 0;
        if (!strcmp(name, "linger")) {
            linger((double) rounds);
            continue;
        }
        size_t k = 0;
        while (k < known_count && strcmp(name, known[k].name)) k++;
        if (k == known_count) die("unknown phase '%s'", name);
        struct phase p = known[k];
        p.accept = -1;
        p.limit = rounds * (uint64_t) cfg.clients;
        run_phase(&p);
    }
    free(list);
}

/* -------------------------------------------------------------------- main */

static void parse_uri(const char *uri) {
    char host[64], *copy = strdup(uri);
    if (strncmp(copy, "coap://", 7)) die("the URI must start with coap://");
    char *authority = copy + 7, *slash = strchr(authority, '/'), *port;
    if (slash) *slash = 0;
    if ((port = strchr(authority, ':'))) *port++ = 0;
    snprintf(host, sizeof(host), "%s", strcmp(authority, "localhost") ? authority : "127.0.0.1");
    uint16_t port_number = port ? (uint16_t) atoi(port) : 5683;
    cfg.target = (struct sockaddr_in) { .sin_family = AF_INET, .sin_port = htons(port_number) };
    if (inet_pton(AF_INET, host, &cfg.target.sin_addr) != 1 || ntohl(cfg.target.sin_addr.s_addr) >> 24 != 127)
        die("the target must be in 127.0.0.0/8");
    if (slash) {
        char *question = strchr(slash + 1, '?');
        if (question) *question = 0, cfg.query = question + 1;
        cfg.path = slash + 1;
    }
}

static void open_socket(void) {
    int size = 16 << 20, on = 1;
    struct sockaddr_in any = { .sin_family = AF_INET };
    sock = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (sock < 0) die("socket: %s", strerror(errno));
    /* the privileged forms first, then what an ordinary user gets */
    if (setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
        setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    if (setsockopt(sock, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
        setsockopt(sock, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    setsockopt(sock, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
    if (setsockopt(sock, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on))) die("IP_PKTINFO: %s", strerror(errno));
    if (bind(sock, (struct sockaddr *) &any, sizeof(any))) die("bind: %s", strerror(errno));
}

static void usage(FILE *out) {
    fputs("usage: coapload [options] get|post|put|delete|fetch|patch|ipatch URI\n"
          "       coapload [options] lwm2m URI\n\n"
          "  -c, --clients N     distinct client endpoints, one loopback address each (256)\n"
          "  -w, --window N      requests outstanding, all clients together (64)\n"
          "  -d, --duration S    measure for S seconds (10); not used by lwm2m\n"
          "  -W, --warmup S      not measured, before that (1)\n"
          "  -n, --requests N    stop after N requests instead; no warm-up\n"
          "  -N, --non           non-confirmable requests\n"
          "  -e, --payload TEXT  {c} becomes the client's number, {i} the request's; also in the URI\n"
          "  -f, --format NUM    Content-Format      -A, --accept NUM  Accept\n"
          "  -T, --timeout MS    give up on a request, or retransmit it, after that (2000)\n"
          "  -r, --retries N     retransmissions of a confirmable request (0)\n"
          "  -P, --pid PID       also report CPU time and memory of that server process, and\n"
          "                      whether anything else was busy on the machine meanwhile\n"
          "  -C, --cpu N         pin the generator to a core\n"
          "  -j, --json          one JSON object per phase\n"
          "lwm2m only\n"
          "  -p, --phases LIST   of register, update, send, notify, notify-senml (Confirmable, on the\n"
          "                      observation the server asked for; see -a), deregister, each once per client or as\n"
          "                      often as NAME:ROUNDS says, and linger:SECONDS, which only answers\n"
          "                      the server (register,update,deregister)\n"
          "  -a, --answer TEXT   answer requests of the server: 2.05 with TEXT to reads, else 2.04\n",
          out);
}

static double number(const char *text, double low, double high) {
    char *end;
    double v = strtod(text, &end);
    if (end == text || *end || v < low || v > high) die("'%s' is not a number from %g to %g", text, low, high);
    return v;
}

static void parse_arguments(int argc, char **argv) {
    static const struct option names[] = {
        { "clients", 1, 0, 'c' },  { "window", 1, 0, 'w' },  { "duration", 1, 0, 'd' }, { "warmup", 1, 0, 'W' },
        { "requests", 1, 0, 'n' }, { "non", 0, 0, 'N' },     { "payload", 1, 0, 'e' },  { "format", 1, 0, 'f' },
        { "accept", 1, 0, 'A' },   { "timeout", 1, 0, 'T' }, { "retries", 1, 0, 'r' },  { "pid", 1, 0, 'P' },
        { "cpu", 1, 0, 'C' },      { "json", 0, 0, 'j' },    { "phases", 1, 0, 'p' },   { "answer", 1, 0, 'a' },
        { "help", 0, 0, 'h' },     { 0, 0, 0, 0 },
    };
    static const char *const methods[] = { "", "get", "post", "put", "delete", "fetch", "patch", "ipatch" };
    int o;
    while ((o = getopt_long(argc, argv, "c:w:d:W:n:Ne:f:A:T:r:P:C:jp:a:h", names, NULL)) != -1) {
        switch (o) {
        case 'c': cfg.clients = (uint32_t) number(optarg, 1, MAX_CLIENTS); break;
        case 'w': cfg.window = (uint32_t) number(optarg, 1, MAX_WINDOW); break;
        case 'd': cfg.duration_s = number(optarg, 0.01, 86400); break;
        case 'W': cfg.warmup_s = number(optarg, 0, 86400); break;
        case 'n': cfg.requests = (uint64_t) number(optarg, 1, 1e15); break;
        case 'N': cfg.non = true; break;
        case 'e': cfg.payload = optarg; break;
        case 'f': cfg.format = (int) number(optarg, 0, 65535); break;
        case 'A': cfg.accept = (int) number(optarg, 0, 65535); break;
        case 'T': cfg.timeout_ns = (uint64_t) (number(optarg, 1, 1e6) * 1e6); break;
        case 'r': cfg.retries = (int) number(optarg, 0, 100); break;
        case 'P': cfg.server_pid = (int) number(optarg, 1, 1e9); break;
        case 'C': cfg.cpu = (int) number(optarg, 0, CPU_SETSIZE - 1); break;
        case 'j': cfg.json = true; break;
        case 'p': cfg.phases = optarg; break;
        case 'a': cfg.answer = optarg; break;
        case 'h': usage(stdout); exit(0);
        default: usage(stderr); exit(2);
        }
    }
    if (argc - optind != 2) {
        usage(stderr);
        exit(2);
    }
    cfg.lwm2m = !strcmp(argv[optind], "lwm2m");
    for (int m = GET; m <= IPATCH; m++)
        if (!strcmp(argv[optind], methods[m])) cfg.method = m;
    if (!cfg.lwm2m && !cfg.method) die("unknown method '%s'", argv[optind]);
    parse_uri(argv[optind + 1]);
}

int main(int argc, char **argv) {
    parse_arguments(argc, argv);
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    if (cfg.cpu >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET((unsigned) cfg.cpu, &set);
        if (sched_setaffinity(0, sizeof(set), &set)) die("cannot run on core %d", cfg.cpu);
    }
    open_socket();

    clients = xcalloc(cfg.clients, sizeof(*clients));
    slots = xcalloc(cfg.window, sizeof(*slots));
    free_slots = xcalloc(cfg.window, sizeof(*free_slots));
    for (uint32_t s = 0; s < cfg.window; s++) free_slots[free_count++] = s;
    srand((unsigned) now_ns()); /* other Message IDs and tokens than the run before */
    for (uint32_t c = 0; c < cfg.clients; c++) clients[c].mid = (uint16_t) rand();
    for (uint32_t s = 0; s < cfg.window; s++) slots[s].generation = (uint16_t) rand();
    oldest = newest = NONE;

    if (cfg.lwm2m) {
        run_lwm2m();
    } else {
        struct phase p = { .name = "load", .path = cfg.path, .query = cfg.query, .payload = cfg.payload,
                           .method = cfg.method, .format = cfg.format, .accept = cfg.accept, .limit = cfg.requests };
        if (!p.limit) p.duration_s = cfg.duration_s, p.warmup_s = cfg.warmup_s;
        run_phase(&p);
    }
    return interrupted ? 130 : 0;
}

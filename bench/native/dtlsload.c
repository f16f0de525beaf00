/*
 * dtlsload - closed-loop CoAP-over-DTLS 1.2 (PSK) load generator for loopback benchmarks.
 *
 *   cc -O2 -Wall -Wextra -o dtlsload dtlsload.c -lssl -lcrypto
 *
 *   dtlsload -c 64 -q 0    coaps://127.0.0.1:5684/time    handshakes only: connect, close, again
 *   dtlsload -c 64 -q 1000 coaps://127.0.0.1:5684/time    1000 requests on each connection
 *
 *   dtlsload -q 1000 -e 100  coaps://127.0.0.1:5684/echo    records of 100 bytes that come back as they are
 *   dtlsload -c 10000 -H       coaps://127.0.0.1:5684/time    handshakes, then idle until stdin ends
 *   dtlsload -C ECDHE-ECDSA-AES128-CCM8 -A ca.pem [-X cert.pem -K key.pem] …    certificates
 *
 * -c connections are kept busy at once from one thread, each on its own UDP
 * socket. Per connection: handshake, then -q confirmable GETs one after the
 * other, then close_notify and a fresh start. Reported are full handshakes and
 * requests per second with their latencies, and with -P the server's CPU time
 * and memory; with -J as one line of JSON. The target must be in 127.0.0.0/8.
 *
 * With -H at most 64 handshakes are under way at once, and the line "idle"
 * says that all connections are open.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum state { UNUSED, HANDSHAKE, REQUEST, IDLE, BROKEN };

struct connection {
    SSL *ssl;
    int fd;
    enum state state;
    uint64_t since; /* start of the handshake or of the request */
    unsigned requests;
    uint16_t mid;
};

struct samples {
    float *us;
    size_t count, room;
};

static struct sockaddr_in target;
static char path[128];
static const char *identity = "load", *cipher = "PSK-AES128-CCM8";
static unsigned char key[64] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
static size_t key_length = 16;
static unsigned requests_per_connection = 0;
static bool measuring, json, hold;
static unsigned opened, echo;
static struct samples handshakes, answers;
static uint64_t failed, timeouts;
static SSL_CTX *ctx;
static int epoll_fd;

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t) t.tv_sec * 1000000000u + (uint64_t) t.tv_nsec;
}

static void die(const char *what) {
    fprintf(stderr, "dtlsload: %s\n", what);
    exit(2);
}

static void add_sample(struct samples *s, uint64_t ns) {
    if (!measuring) return;
    if (s->count == s->room) {
        s->room = s->room ? s->room * 2 : 1 << 16;
        if (!(s->us = realloc(s->us, s->room * sizeof(*s->us)))) die("out of memory");
    }
    s->us[s->count++] = (float) ns / 1000;
}

static unsigned on_psk(SSL *ssl, const char *hint, char *id, unsigned id_max, unsigned char *psk, unsigned psk_max) {
    (void) ssl, (void) hint;
    if (strlen(identity) + 1 > id_max || key_length > psk_max) return 0;
    strcpy(id, identity);
    memcpy(psk, key, key_length);
    return (unsigned) key_length;
}

static void open_connection(struct connection *c) {
    c->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *) &target, sizeof(target))) die("cannot open a socket");
    BIO *bio = BIO_new_dgram(c->fd, BIO_NOCLOSE);
    BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_CONNECTED, 0, &target);
    c->ssl = SSL_new(ctx);
    SSL_set_bio(c->ssl, bio, bio);
    SSL_set_mtu(c->ssl, 1400);
    SSL_set_connect_state(c->ssl);
    c->state = HANDSHAKE;
    c->requests = 0;
    c->since = now_ns();
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &(struct epoll_event) { .events = EPOLLIN, .data.ptr = c });
}

static void close_connection(struct connection *c) {
    if (SSL_is_init_finished(c->ssl)) SSL_shutdown(c->ssl);
    SSL_free(c->ssl);
    close(c->fd); /* also leaves the epoll set */
    ERR_clear_error();
}

static void send_request(struct connection *c) {
    uint8_t m[2048], *p = m;
    if (echo) {
        memset(m, 'x', echo);
        c->mid++;
        m[0] = (uint8_t) (c->mid >> 8), m[1] = (uint8_t) c->mid;
        c->state = REQUEST;
        c->since = now_ns();
        SSL_write(c->ssl, m, (int) echo);
        return;
    }
    *p++ = 0x44; /* confirmable, 4-byte token */
    *p++ = 1;    /* GET */
    c->mid++;
    *p++ = (uint8_t) (c->mid >> 8), *p++ = (uint8_t) c->mid;
    *p++ = (uint8_t) (c->mid >> 8), *p++ = (uint8_t) c->mid, *p++ = 0xd7, *p++ = 0x15;
    int delta = 11;
    for (char *s = path, *end; *s; s = *end ? end + 1 : end, delta = 0) {
        end = strchrnul(s, '/');
        *p++ = (uint8_t) (delta << 4 | (end - s)); /* segments shorter than 13 bytes */
        memcpy(p, s, (size_t) (end - s));
        p += end - s;
    }
    c->state = REQUEST;
    c->since = now_ns();
    SSL_write(c->ssl, m, (int) (p - m));
}

/* Waits for more, or gives the connection up until the next timer tick. */
static void wait_or_break(struct connection *c, int result) {
    if (SSL_get_error(c->ssl, result) == SSL_ERROR_WANT_READ) return;
    failed++;
    close_connection(c);
    c->state = BROKEN;
}

/* Goes as far as it can without waiting. */
static void advance(struct connection *c) {
    while (c->state != BROKEN && c->state != UNUSED) {
        if (c->state == HANDSHAKE) {
            int r = SSL_do_handshake(c->ssl);
            if (r != 1) {
                wait_or_break(c, r);
                return;
            }
            add_sample(&handshakes, now_ns() - c->since);
            if (hold) {
                opened++;
                c->state = IDLE;
                return;
            }
        } else if (c->state == IDLE) {
            uint8_t m[2048]; /* nothing is asked, so nothing is answered: alerts and repeated flights */
            wait_or_break(c, SSL_read(c->ssl, m, sizeof(m)));
            if (c->state == BROKEN) opened--;
            return;
        } else {
            uint8_t m[2048];
            int n = SSL_read(c->ssl, m, sizeof(m));
            if (n <= 0) {
                wait_or_break(c, n);
                return;
            }
            if (echo) {
                if (n != (int) echo || (m[0] << 8 | m[1]) != c->mid) continue;
            } else if (n < 4 || m[1] >> 5 < 2 || (m[2] << 8 | m[3]) != c->mid) continue; /* not the answer awaited */
            if (!echo && m[1] >> 5 != 2) failed++;
            add_sample(&answers, now_ns() - c->since);
            c->requests++;
        }
        if (c->requests == requests_per_connection) {
            close_connection(c);
            open_connection(c);
        } else {
            send_request(c);
        }
    }
}

static double server_cpu_s(int pid, long *rss_kib) {
    char name[64], line[512];
    unsigned long user = 0, kernel = 0;
    if (!pid) return 0;
    snprintf(name, sizeof(name), "/proc/%d/stat", pid);
    FILE *f = fopen(name, "r");
    if (!f) die("no such server process");
    char *rest = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
    if (rest) sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel);
    fclose(f);
    snprintf(name, sizeof(name), "/proc/%d/status", pid);
    if ((f = fopen(name, "r"))) {
        while (fgets(line, sizeof(line), f)) sscanf(line, "VmRSS: %ld", rss_kib);
        fclose(f);
    }
    return (double) (user + kernel) / (double) sysconf(_SC_CLK_TCK);
}

static int by_value(const void *a, const void *b) {
    float x = *(const float *) a, y = *(const float *) b;
    return (x > y) - (x < y);
}

static void latencies(struct samples *s, double seconds, const char *name) {
    if (s->count) qsort(s->us, s->count, sizeof(*s->us), by_value);
    printf("\"%s\":{\"completed\":%zu,\"rate\":%.1f,\"p50_us\":%.0f,\"p99_us\":%.0f}", name, s->count,
           (double) s->count / seconds, s->count ? (double) s->us[s->count / 2] : 0,
           s->count ? (double) s->us[s->count * 99 / 100] : 0);
}

static void report(const char *name, struct samples *s, double seconds) {
    if (!s->count) return;
    qsort(s->us, s->count, sizeof(*s->us), by_value);
    printf("%-10s %8.0f /s  (%zu)  latency us: p50 %.0f  p90 %.0f  p99 %.0f  max %.0f\n", name,
           (double) s->count / seconds, s->count, (double) s->us[s->count / 2], (double) s->us[s->count * 9 / 10],
           (double) s->us[s->count * 99 / 100], (double) s->us[s->count - 1]);
}

int main(int argc, char **argv) {
    unsigned count = 64;
    double seconds = 5, warmup = 1;
    int pid = 0, o;
    const char *authority = NULL, *certificate = NULL, *private_key = NULL;
    while ((o = getopt(argc, argv, "c:q:d:W:P:i:k:C:A:X:K:e:HJ")) != -1) {
        switch (o) {
        case 'c': count = (unsigned) atoi(optarg); break;
        case 'q': requests_per_connection = (unsigned) atoi(optarg); break;
        case 'd': seconds = atof(optarg); break;
        case 'W': warmup = atof(optarg); break;
        case 'P': pid = atoi(optarg); break;
        case 'i': identity = optarg; break;
        case 'C': cipher = optarg; break;
        case 'A': authority = optarg; break;
        case 'X': certificate = optarg; break;
        case 'K': private_key = optarg; break;
        case 'e':
            echo = (unsigned) atoi(optarg);
            if (echo < 2 || echo > 1024) die("-e takes 2 to 1024 bytes");
            break;
        case 'H': hold = true; break;
        case 'J': json = true; break;
        case 'k':
            for (key_length = 0; optarg[2 * key_length] && key_length < sizeof(key); key_length++)
                sscanf(optarg + 2 * key_length, "%2hhx", &key[key_length]);
            break;
        default: die("usage: dtlsload [-c connections] [-q requests] [-d s] [-W s] [-P pid] [-i identity] [-k hexkey]"
                     " [-C cipher] [-A ca.pem] [-X certificate.pem -K key.pem] [-e bytes] [-H] [-J] coaps://127.0.0.1[:port]/path");
        }
    }
    char host[32];
    int port = 5684;
    const char *uri = optind < argc ? argv[optind] : "";
    if (sscanf(uri, "coaps://%31[0-9.]:%d/%127s", host, &port, path) < 2
        && sscanf(uri, "coaps://%31[0-9.]/%127s", host, path) < 1)
        die("the URI must be coaps://127.0.0.1[:port]/path");
    target = (struct sockaddr_in) { .sin_family = AF_INET, .sin_port = htons((uint16_t) port) };
    if (inet_pton(AF_INET, host, &target.sin_addr) != 1 || ntohl(target.sin_addr.s_addr) >> 24 != 127)
        die("the target must be in 127.0.0.0/8");

    ctx = SSL_CTX_new(DTLS_client_method());
    SSL_CTX_set_options(ctx, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    if (authority) {
        if (SSL_CTX_load_verify_locations(ctx, authority, NULL) != 1) die("cannot read the certificate authority");
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set1_groups_list(ctx, "P-256");
    } else {
        SSL_CTX_set_psk_client_callback(ctx, on_psk);
    }
    if (certificate && (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1
                        || SSL_CTX_use_PrivateKey_file(ctx, private_key, SSL_FILETYPE_PEM) != 1))
        die("cannot read the certificate or its key");
    SSL_CTX_set_security_level(ctx, 0); /* CCM8 has a 64-bit tag */
    if (!SSL_CTX_set_cipher_list(ctx, cipher)) die("unknown cipher");
    epoll_fd = epoll_create1(0);

    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    struct connection *c = calloc(count, sizeof(*c));
    unsigned started = hold && count > 64 ? 64 : count;
    for (unsigned i = 0; i < started; i++) {
        open_connection(&c[i]);
        advance(&c[i]);
    }
    bool told = false;
    if (hold) seconds = 3600;
    uint64_t begin = now_ns(), from = begin + (uint64_t) (warmup * 1e9), until = from + (uint64_t) (seconds * 1e9);
    uint64_t next_timer = begin;
    double cpu = 0;
    long rss = 0;
    for (uint64_t now; (now = now_ns()) < until;) {
        struct epoll_event events[256];
        if (!measuring && now >= from) {
            measuring = true;
            from = now;
            cpu = server_cpu_s(pid, &rss);
        }
        int n = epoll_wait(epoll_fd, events, 256, 10);
        for (int i = 0; i < n; i++) advance(events[i].data.ptr);
        if (hold) {
            for (; started < count && started < opened + 64; started++) {
                open_connection(&c[started]);
                advance(&c[started]);
            }
            if (!told && opened == count) {
                told = true;
                puts("idle");
                fflush(stdout);
            }
            struct pollfd input = { .fd = 0, .events = POLLIN };
            char byte;
            if (poll(&input, 1, 0) > 0 && read(0, &byte, 1) <= 0) break;
        }
        if (now < next_timer) continue;
        now = now_ns(); /* later than any start of a request */
        next_timer = now + 50000000;
        for (unsigned i = 0; i < count; i++) {
            if (c[i].state == BROKEN) {
                open_connection(&c[i]);
                advance(&c[i]);
            } else if (c[i].state == HANDSHAKE) {
                if (DTLSv1_handle_timeout(c[i].ssl) > 0) timeouts++;
            } else if (c[i].state == REQUEST && now - c[i].since > 2000000000u) { /* the request or its answer got lost */
                timeouts++;
                send_request(&c[i]);
            }
        }
    }
    double took = (double) (now_ns() - from) / 1e9, used = server_cpu_s(pid, &rss) - cpu;
    size_t unit = requests_per_connection ? answers.count : handshakes.count;
    if (json) {
        printf("{\"seconds\":%.3f,\"failed\":%llu,\"timeouts\":%llu,\"server\":{\"cpu_s\":%.2f,\"cpu_us\":%.2f,"
               "\"rss_kib\":%ld},", took, (unsigned long long) failed, (unsigned long long) timeouts, used,
               unit ? used / (double) unit * 1e6 : 0, rss);
        latencies(&handshakes, took, "handshakes");
        putchar(',');
        latencies(&answers, took, "requests");
        puts("}");
        fflush(stdout);
        _exit(0); /* closing thousands of connections is not worth the wait */
    }
    printf("dtlsload: %u connections, %u requests each, %s, %.1f s\n", count, requests_per_connection, cipher, took);
    report("handshakes", &handshakes, took);
    report("requests", &answers, took);
    if (pid && unit)
        printf("server     %.2f s cpu (%.1f us per %s), rss %.1f MiB\n", used, used / (double) unit * 1e6,
               requests_per_connection ? "request" : "handshake", (double) rss / 1024);
    if (failed || timeouts)
        printf("failed %llu, timeouts %llu\n", (unsigned long long) failed, (unsigned long long) timeouts);
    for (unsigned i = 0; i < count; i++)
        if (c[i].state != BROKEN && c[i].state != UNUSED) close_connection(&c[i]);
    free(c);
    SSL_CTX_free(ctx);
    return 0;
}

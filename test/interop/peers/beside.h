/* The transport under beside.c: a socket that does not block, and that can be held. */
#define _GNU_SOURCE
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static int fd = -1, held;

static void check(int good, const char *what) {
    if (good) return;
    printf("failed: %s: %s\n", what, strerror(errno));
    ERR_print_errors_fp(stdout);
    exit(1);
}

static long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Whether the transport became ready for what OpenSSL wants before the deadline. */
static int ready(int error, long deadline) {
    struct pollfd p = {.fd = fd, .events = error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT};
    long left = deadline - now();
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return 0;
    if (held && error == SSL_ERROR_WANT_WRITE) p.events = 0;
    return left > 0 && poll(&p, 1, left) > 0;
}

/* A filter over the socket's BIO that writes nothing while it is held. */
static int held_write(BIO *bio, const char *data, int length) {
    BIO_clear_retry_flags(bio);
    if (held) {
        BIO_set_retry_write(bio);
        return -1;
    }
    int n = BIO_write(BIO_next(bio), data, length);
    BIO_copy_next_retry(bio);
    return n;
}

static int held_read(BIO *bio, char *data, int length) {
    BIO_clear_retry_flags(bio);
    int n = BIO_read(BIO_next(bio), data, length);
    BIO_copy_next_retry(bio);
    return n;
}

static long held_ctrl(BIO *bio, int command, long number, void *pointer) {
    return BIO_ctrl(BIO_next(bio), command, number, pointer);
}

static BIO *holding(int over) {
    static BIO_METHOD *method;
    if (method == NULL) {
        method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_FILTER, "holding");
        BIO_meth_set_write(method, held_write);
        BIO_meth_set_read(method, held_read);
        BIO_meth_set_ctrl(method, held_ctrl);
    }
    BIO *bio = BIO_new(method);
    BIO_set_init(bio, 1);
    return BIO_push(bio, BIO_new_socket(over, BIO_NOCLOSE));
}

static void do_arrived(int bytes, const char *what) {
    int there = 0, reset = strcmp(what, "reset") == 0;
    short wanted = reset ? POLLERR | POLLHUP : strcmp(what, "fin") == 0 ? POLLRDHUP : 0;
    struct pollfd p = {.fd = fd, .events = POLLRDHUP};
    long deadline = now() + 20000;
    for (;;) {
        check(now() < deadline, "arrive");
        poll(&p, 1, 0);
        ioctl(fd, FIONREAD, &there);
        if (reset ? (p.revents & wanted) != 0 : there >= bytes && (p.revents & wanted) == wanted) break;
        usleep(200);
    }
    printf("arrived\n");
}

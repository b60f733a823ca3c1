/* Eight RSA-2048 signatures in the time of two or three, by Intel's crypto_mb.
 *
 * crypto_mb keeps one number in each lane of a 512-bit register and needs AVX-512 with IFMA. This module only
 * hands over the numbers: keys in, PKCS #1 v1.5 paddings of SHA-256 digests in (RFC 8017 §9.2), signatures out,
 * each proven with the public key before it leaves (a fault in a CRT signature gives the key away).
 * Callers: relay/keys/rsa8.py. Why, and what it costs: docs/decisions/0003-dkim.md.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdlib.h>
#include <string.h>

#define BN_OPENSSL_DISABLE
#include <crypto_mb/cpu_features.h>
#include <crypto_mb/rsa.h>

enum { LANES = 8, BITS = 2048, OCTETS = BITS / 8, HALF = OCTETS / 2, DIGEST = 32, ALIGNMENT = 64 };

/* crypto_mb's functions for OpenSSL's keys want these. None of them is called here, so OpenSSL isn't linked. */
__attribute__((visibility("hidden"))) int BN_num_bits(const void *number)
{
    abort();
}

__attribute__((visibility("hidden"))) int BN_bn2lebinpad(const void *number, unsigned char *to, int length)
{
    abort();
}

/* Numbers are little-endian, as crypto_mb wants them. */
typedef struct {
    int64u p[HALF / 8], q[HALF / 8], dp[HALF / 8], dq[HALF / 8], iq[HALF / 8], n[OCTETS / 8];
} Numbers;

typedef struct {
    PyObject_HEAD
    Numbers numbers;
} Key;

static void key_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    explicit_bzero(&((Key *)self)->numbers, sizeof(Numbers));
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *key_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"p", "q", "dp", "dq", "iq", "n", NULL};
    Py_buffer given[6];
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "y*y*y*y*y*y*", names, &given[0], &given[1], &given[2], &given[3],
                                     &given[4], &given[5]))
        return NULL;
    Key *key = (Key *)type->tp_alloc(type, 0);
    if (key != NULL) {
        Numbers *to = &key->numbers;
        int64u *places[] = {to->p, to->q, to->dp, to->dq, to->iq, to->n};
        for (int i = 0; i < 6; i++) {
            Py_ssize_t wanted = i < 5 ? HALF : OCTETS;
            if (given[i].len != wanted) {
                PyErr_Format(PyExc_ValueError, "%s has %zd octets instead of %zd", names[i], given[i].len, wanted);
                Py_CLEAR(key);
                break;
            }
            memcpy(places[i], given[i].buf, wanted);
        }
    }
    for (int i = 0; i < 6; i++)
        PyBuffer_Release(&given[i]);
    return (PyObject *)key;
}

static PyType_Slot key_slots[] = {
    {Py_tp_doc, "The parts of an RSA-2048 key with the exponent 65537, each little-endian: 128 octets, n 256."},
    {Py_tp_new, key_new},
    {Py_tp_dealloc, key_dealloc},
    {0, NULL},
};
static PyType_Spec key_spec = {"relay.keys._rsa8.Key", sizeof(Key), 0, Py_TPFLAGS_DEFAULT, key_slots};

typedef struct {
    PyTypeObject *key_type;
} State;

/* EMSA-PKCS1-v1_5 (RFC 8017 §9.2): 00 01 FF … FF 00 DigestInfo(SHA-256) digest. */
static void pad(int8u *to, const void *digest)
{
    static const int8u info[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
    size_t ones = OCTETS - DIGEST - sizeof info - 3;
    to[0] = 0;
    to[1] = 1;
    memset(to + 2, 0xff, ones);
    to[2 + ones] = 0;
    memcpy(to + 3 + ones, info, sizeof info);
    memcpy(to + 3 + ones + sizeof info, digest, DIGEST);
}

typedef struct {
    int8u padded[LANES][OCTETS], signature[LANES][OCTETS], opened[LANES][OCTETS];
} Work;

/* Sign all lanes and prove each signature; 0 if all are good. Lanes that are not used have null pointers. */
static int compute(Key *const keys[LANES], int lanes, Work *work)
{
    const int8u *from[LANES] = {0}, *made[LANES] = {0};
    int8u *to[LANES] = {0}, *opened[LANES] = {0};
    const int64u *p[LANES] = {0}, *q[LANES] = {0}, *dp[LANES] = {0}, *dq[LANES] = {0}, *iq[LANES] = {0}, *n[LANES] = {0};
    const mbx_RSA_Method *sign = mbx_RSA2K_private_crt_Method(), *prove = mbx_RSA2K_pub65537_Method();
    int sign_size = mbx_RSA_Method_BufSize(sign), prove_size = mbx_RSA_Method_BufSize(prove);
    size_t size = sign_size > prove_size ? sign_size : prove_size;
    size_t whole = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    int8u *room = aligned_alloc(ALIGNMENT, whole);
    if (room == NULL)
        return -1;
    for (int i = 0; i < lanes; i++) {
        from[i] = work->padded[i];
        made[i] = to[i] = work->signature[i];
        opened[i] = work->opened[i];
        const Numbers *key = &keys[i]->numbers;
        p[i] = key->p, q[i] = key->q, dp[i] = key->dp, dq[i] = key->dq, iq[i] = key->iq, n[i] = key->n;
    }
    mbx_status signed_as = mbx_rsa_private_crt_mb8(from, to, p, q, dp, dq, iq, BITS, sign, room);
    mbx_status proven_as = mbx_rsa_public_mb8(made, opened, n, BITS, prove, room);
    explicit_bzero(room, whole);
    free(room);
    int bad = 0;
    for (int i = 0; i < lanes; i++)
        bad |= MBX_GET_STS(signed_as, i) | MBX_GET_STS(proven_as, i) | memcmp(work->opened[i], work->padded[i], OCTETS);
    return bad;
}

static int gather(PyObject *module, PyObject *keys, PyObject *digests, Key *lane[LANES], Work *work)
{
    State *state = PyModule_GetState(module);
    Py_ssize_t count = PyTuple_GET_SIZE(keys);
    if (count < 1 || count > LANES || PyTuple_GET_SIZE(digests) != count) {
        PyErr_SetString(PyExc_ValueError, "give 1 to 8 keys and as many digests");
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *key = PyTuple_GET_ITEM(keys, i), *digest = PyTuple_GET_ITEM(digests, i);
        if (!PyObject_TypeCheck(key, state->key_type) || !PyBytes_Check(digest) || PyBytes_GET_SIZE(digest) != DIGEST) {
            PyErr_SetString(PyExc_TypeError, "give Key objects, and digests of 32 octets");
            return -1;
        }
        lane[i] = (Key *)key;
        pad(work->padded[i], PyBytes_AS_STRING(digest));
    }
    return (int)count;
}

/* Asked once: the answer can't change, and behind a hypervisor each CPUID costs a trap. */
static int have_lanes(void)
{
    static int known = -1;
    if (known < 0)
        known = (mbx_get_cpu_features() & MBX_AVX512_GENERAL_ISA) == MBX_AVX512_GENERAL_ISA;
    return known;
}

static PyObject *sign(PyObject *module, PyObject *args)
{
    PyObject *keys, *digests;
    Key *lane[LANES];
    Work work;
    if (!have_lanes()) {
        PyErr_SetString(PyExc_RuntimeError, "this processor has no AVX-512 with IFMA");
        return NULL;
    }
    if (!PyArg_ParseTuple(args, "O!O!", &PyTuple_Type, &keys, &PyTuple_Type, &digests))
        return NULL;
    int bad, count = gather(module, keys, digests, lane, &work);
    if (count < 0)
        return NULL;
    /* The tuples are the caller's and hold the keys meanwhile. */
    Py_BEGIN_ALLOW_THREADS;
    bad = compute(lane, count, &work);
    Py_END_ALLOW_THREADS;
    if (bad) {
        PyErr_SetString(PyExc_ArithmeticError, "a signature didn't verify");
        return NULL;
    }
    PyObject *signatures = PyList_New(count);
    for (int i = 0; signatures != NULL && i < count; i++) {
        PyObject *one = PyBytes_FromStringAndSize((const char *)work.signature[i], OCTETS);
        if (one == NULL)
            Py_CLEAR(signatures);
        else
            PyList_SET_ITEM(signatures, i, one);
    }
    return signatures;
}

static PyObject *usable(PyObject *module, PyObject *unused)
{
    return PyBool_FromLong(have_lanes());
}

static PyMethodDef methods[] = {
    {"sign", sign, METH_VARARGS, "The signatures of 1 to 8 SHA-256 digests with as many keys; ArithmeticError, RuntimeError."},
    {"usable", usable, METH_NOARGS, "Whether this processor has what it takes: AVX-512 with IFMA."},
    {NULL, NULL, 0, NULL},
};

static int begin(PyObject *module)
{
    State *state = PyModule_GetState(module);
    state->key_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &key_spec, NULL);
    return state->key_type == NULL ? -1 : PyModule_AddType(module, state->key_type);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, begin}, {0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_rsa8", NULL, sizeof(State), methods, slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__rsa8(void)
{
    return PyModuleDef_Init(&definition);
}

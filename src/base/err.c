// SPDX-License-Identifier: BSD-2-Clause
// err.c - errors in words, those of RFC 9293 3.10 where it has any.
#include "estab/base.h"

const char *estab_strerror(int error)
{
  static const char *const words[] = {
      [-ESTAB_OK] = "ok",
      [-ESTAB_ERR_INVALID] = "invalid argument",
      [-ESTAB_ERR_NO_MEMORY] = "insufficient resources",
      [-ESTAB_ERR_WOULD_BLOCK] = "nothing to do now",
      [-ESTAB_ERR_NO_CONNECTION] = "connection does not exist",
      [-ESTAB_ERR_EXISTS] = "connection already exists",
      [-ESTAB_ERR_CLOSING] = "connection closing",
      [-ESTAB_ERR_RESET] = "connection reset",
      [-ESTAB_ERR_REFUSED] = "connection refused",
      [-ESTAB_ERR_TIMEOUT] = "connection aborted due to user timeout",
      [-ESTAB_ERR_UNREACHABLE] = "destination unreachable",
      [-ESTAB_ERR_ADDRESS_IN_USE] = "address and port already in use",
      [-ESTAB_ERR_NO_PORT] = "no local port left towards that peer",
      [-ESTAB_ERR_NOT_LOCAL] = "not a local address",
      [-ESTAB_ERR_TOO_BIG] = "too long for the device or the protocol",
      [-ESTAB_ERR_UNSUPPORTED] = "not possible in this state or with this stack",
      [-ESTAB_ERR_ABORTED] = "connection aborted by the local user",
  };
  if (error > 0) return "ok";
  if (error <= -(int)(sizeof words / sizeof words[0])) return "unknown error";
  return words[-error];
}

// SPDX-License-Identifier: BSD-2-Clause
// port.c - opens the device that --device names, and closes it.
#include "port.h"

#include "port_host.h"
#include "say.h"

#include <errno.h>
#include <string.h>

static void trace_line(void *ctx, const char *text)
{
  (void)ctx;
  fprintf(stderr, "%s\n", text);
}

static int open_tun(const struct port *port, const char *name, bool tap, struct estab_device *dev,
                    struct estab_device_error *error)
{
  struct estab_tun_settings settings;
  estab_tun_settings_default(&settings);
  settings.name = name;
  settings.mtu = (uint16_t)port->options.mtu;
  settings.gso = !port->options.plain;
  return tap ? estab_device_open_tap(&settings, dev, error)
             : estab_device_open_tun(&settings, dev, error);
}

static int open_packet(struct port *port, const char *name, struct estab_device *dev,
                       struct estab_device_error *error)
{
  struct estab_packet_settings settings;
  estab_packet_settings_default(&settings);
  settings.name = name;
  settings.gso = !port->options.plain;
  int r = estab_device_open_packet(&settings, dev, error);
  if (r == 0 && port->options.mtu && port->options.mtu < dev->netif.mtu)
    dev->netif.mtu = (uint16_t)port->options.mtu;
  return r;
}

// A cable of our own: the host has one end, we read and write the other.
static int open_veth(struct port *port, struct estab_device_error *error)
{
  const char *name = "estab0", *end = "estab1";
  int r = estab_host_veth(name, end, (uint16_t)port->options.mtu, error);
  if (r < 0) return r;
  memcpy(port->made, name, strlen(name) + 1);
  r = estab_host_up(end, true, error);
  if (r == 0) r = estab_host_up(name, true, error);
  return r < 0 ? r : open_packet(port, end, &port->dev, error);
}

// TUN if it opens, else a veth. If neither works both are told, each with its remedy: either one would do.
static int open_auto(const char *command, struct port *port)
{
  struct estab_device_error tun, veth;
  if (open_tun(port, "", false, &port->dev, &tun) == 0) return 0;
  if (open_veth(port, &veth) == 0) return 0;
  fprintf(stderr, "estab %s: --device auto: neither a TUN device nor a veth could be had\n",
          command);
  fprintf(stderr, "TUN: %s%s%s\n", tun.text, tun.remedy[0] ? ". To do: " : "", tun.remedy);
  fprintf(stderr, "veth: %s%s%s\n", veth.text, veth.remedy[0] ? ". To do: " : "", veth.remedy);
  return EXIT_FAIL;
}

static int open_device(struct port *port, struct estab_device_error *error)
{
  const char *device = port->options.device, *colon = strchr(device, ':');
  size_t n = colon ? (size_t)(colon - device) : strlen(device);
  const char *name = colon ? colon + 1 : "";
  if (n == 4 && memcmp(device, "veth", n) == 0 && !colon) return open_veth(port, error);
  if (n == 3 && memcmp(device, "tun", n) == 0)
    return open_tun(port, name, false, &port->dev, error);
  if (n == 3 && memcmp(device, "tap", n) == 0) return open_tun(port, name, true, &port->dev, error);
  if (n == 6 && memcmp(device, "packet", n) == 0 && name[0])
    return open_packet(port, name, &port->dev, error);
  return 1;
}

static int wrap_faults(struct port *port, struct estab_device_error *error)
{
  const struct port_options *o = &port->options;
  struct estab_fault_settings settings;
  if (!(o->loss_ppm || o->duplicate_ppm || o->reorder_ppm || o->corrupt_ppm || o->delay_ns))
    return 0;
  estab_fault_settings_default(&settings);
  settings.seed = o->seed;
  settings.out = (struct estab_fault_rates){.loss_ppm = o->loss_ppm,
                                            .duplicate_ppm = o->duplicate_ppm,
                                            .reorder_ppm = o->reorder_ppm,
                                            .corrupt_ppm = o->corrupt_ppm,
                                            .delay_ns = o->delay_ns};
  settings.in = settings.out;
  return estab_device_wrap_fault(&port->dev, &settings, error);
}

// Outside the faults: records show what the stack sent and what reached it.
static int wrap_records(struct port *port, struct estab_device_error *error)
{
  int r = 0;
  if (port->options.pcap) {
    r = estab_pcap_open(port->options.pcap, (enum estab_link)port->dev.netif.link, estab_clock_ns(),
                        &port->pcap, error);
    if (r == 0) r = estab_device_wrap_pcap(&port->dev, port->pcap, error);
  }
  if (r == 0 && port->options.trace)
    r = estab_device_wrap_trace(&port->dev, (struct estab_line_hook){NULL, trace_line}, error);
  return r;
}

int port_open(const char *command, const struct port_options *options, struct port *port)
{
  struct estab_device_error error;
  memset(port, 0, sizeof *port);
  port->dev.fd = -1;
  port->options = *options;
  int status = port_read_addresses(command, port);
  if (status) return status;
  int r = 0;
  if (strcmp(options->device, "auto") == 0)
    status = open_auto(command, port);
  else
    r = open_device(port, &error);
  if (r > 0) {
    return say_usage(command,
                     "--device %s: must be auto, tun[:NAME], tap[:NAME], veth or packet:INTERFACE",
                     options->device);
  }
  if (r < 0) {
    status = say_device(command, options->device, &error);
  } else if (!status) {
    status = port_set_up_host(command, port);
    if (!status) {
      r = wrap_faults(port, &error);
      if (r == 0) r = wrap_records(port, &error);
      if (r < 0) status = say_device(command, port->pcap ? NULL : options->pcap, &error);
    }
  }
  if (status) port_close(command, port);
  return status;
}

int port_close(const char *command, struct port *port)
{
  int status = 0;
  if (port->dev.ops) estab_device_close(&port->dev);
  if (estab_pcap_close(port->pcap) < 0)
    status = say_failure(command, "see that there is room on the disk",
                         "%s: the capture could not be written", port->options.pcap);
  port->pcap = NULL;
  if (port->made[0]) estab_host_remove(port->made, NULL);
  port->made[0] = 0;
  return status;
}

void port_say_faults(struct port *port, const char *prefix, FILE *out)
{
  struct estab_fault_counters sent, received;
  if (estab_device_fault_counters(&port->dev, &sent, &received) < 0) return;
  fprintf(
      out,
      "%sfaults applied: %llu of %llu packets lost, %llu doubled, %llu overtaken, %llu damaged\n",
      prefix, (unsigned long long)(sent.lost + received.lost),
      (unsigned long long)(sent.frames + received.frames),
      (unsigned long long)(sent.duplicated + received.duplicated),
      (unsigned long long)(sent.reordered + received.reordered),
      (unsigned long long)(sent.corrupted + received.corrupted));
}

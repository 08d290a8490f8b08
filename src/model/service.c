/* SPDX-License-Identifier: Apache-2.0 */
#include "model/service.h"

#include "base/array.h"

#include <stdlib.h>
#include <string.h>

/* Only ports that are one service's in practice: 9000 is ClickHouse's and MinIO's and php-fpm's, 8123 Home Assistant's too. */
static const struct {
	unsigned port;
	struct service service;
} ports[] = {
	{22, {"SSH", SERVICE_OTHER}},	    {25, {"SMTP", SERVICE_OTHER}},
	{53, {"DNS", SERVICE_DNS}},	    {80, {"HTTP", SERVICE_HTTP}},
	{88, {"Kerberos", SERVICE_OTHER}},  {389, {"LDAP", SERVICE_OTHER}},
	{443, {"HTTPS", SERVICE_HTTP}},	    {465, {"SMTP", SERVICE_OTHER}},
	{514, {"syslog", SERVICE_OTHER}},   {587, {"SMTP", SERVICE_OTHER}},
	{636, {"LDAP", SERVICE_OTHER}},	    {1433, {"SQL Server", SERVICE_DB}},
	{1521, {"Oracle", SERVICE_DB}},	    {2049, {"NFS", SERVICE_OTHER}},
	{2379, {"etcd", SERVICE_OTHER}},    {3306, {"MySQL", SERVICE_DB}},
	{4222, {"NATS", SERVICE_OTHER}},    {5432, {"PostgreSQL", SERVICE_DB}},
	{5433, {"PostgreSQL", SERVICE_DB}}, {5671, {"AMQP", SERVICE_OTHER}},
	{5672, {"AMQP", SERVICE_OTHER}},    {6379, {"Redis", SERVICE_DB}},
	{6380, {"Redis", SERVICE_DB}},	    {6432, {"PgBouncer", SERVICE_DB}},
	{8500, {"Consul", SERVICE_HTTP}},   {9042, {"Cassandra", SERVICE_DB}},
	{9092, {"Kafka", SERVICE_OTHER}},   {9200, {"Elasticsearch", SERVICE_DB}},
	{11211, {"memcached", SERVICE_DB}}, {26379, {"Redis Sentinel", SERVICE_DB}},
	{27017, {"MongoDB", SERVICE_DB}},
};

static const struct {
	const char *fragment; /* of the socket's path */
	struct service service;
} sockets[] = {
	{"/.s.PGSQL.", {"PostgreSQL", SERVICE_DB}},
	{"/mysqld.sock", {"MySQL", SERVICE_DB}},
	{"/mysql.sock", {"MySQL", SERVICE_DB}},
	{"/redis", {"Redis", SERVICE_DB}},
	{"/memcached", {"memcached", SERVICE_DB}},
	{"/docker.sock", {"Docker", SERVICE_HTTP}},
	{"/containerd.sock", {"containerd", SERVICE_OTHER}},
	{"/nscd/socket", {"nscd", SERVICE_DNS}},
	{"/systemd/resolve/", {"systemd-resolved", SERVICE_DNS}},
	{"/dbus/system_bus_socket", {"D-Bus", SERVICE_OTHER}},
	{"/dev/log", {"syslog", SERVICE_OTHER}},
	{"/systemd/journal/", {"the journal", SERVICE_OTHER}},
};

static const struct service *by_path(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(sockets); i++)
		if (strstr(path, sockets[i].fragment))
			return &sockets[i].service;
	return NULL;
}

const struct service *service_of(const char *target)
{
	if (!strncmp(target, "unix ", 5))
		return by_path(target + 5);
	const char *colon = strrchr(target, ':');
	char *end;
	unsigned long port = colon ? strtoul(colon + 1, &end, 10) : 0;
	if (!port || *end || (strncmp(target, "tcp ", 4) != 0 && strncmp(target, "udp ", 4) != 0))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(ports); i++)
		if (ports[i].port == port)
			return &ports[i].service;
	return NULL;
}

/*
 * A module of nginx: what an answer of the page cache says of itself. nginx has no variable for either, and its configuration cannot subtract.
 *
 *   $page_age     seconds since a kept page was made; empty where the answer was not kept
 *   $page_status  Cache-Status (RFC 9211): `Subako; hit; ttl=N`, where N is below 0 for a page that is too old, or why there was no hit
 */
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#define LONGEST (sizeof("Subako; hit; ttl=") + NGX_TIME_T_LEN)

static ngx_int_t is_kept(ngx_http_request_t *r)
{
	if (r->upstream == NULL || r->cache == NULL)
		return 0;
	switch (r->upstream->cache_status) {
	case NGX_HTTP_CACHE_HIT:
	case NGX_HTTP_CACHE_STALE:
	case NGX_HTTP_CACHE_UPDATING:
	case NGX_HTTP_CACHE_REVALIDATED:
		return 1;
	default:
		return 0;
	}
}

/*
 * For how many seconds the page is good from when it was made; 0 where it is not kept. As its header says: the cache's own valid_sec is set anew
 * from that header for each hit.
 */
static time_t seconds_to_keep(ngx_http_request_t *r)
{
	ngx_table_elt_t *expires = r->upstream == NULL ? NULL : r->upstream->headers_in.x_accel_expires;
	ngx_int_t seconds = expires == NULL ? 0 : ngx_atoi(expires->value.data, expires->value.len);
	return ngx_max(seconds, 0);
}

/* The clock may have been set back since. */
static time_t age_of(ngx_http_cache_t *page)
{
	return ngx_max(ngx_time() - page->date, 0);
}

static ngx_int_t answer(ngx_http_variable_value_t *v, u_char *text, u_char *end)
{
	v->data = text;
	v->len = end - text;
	v->valid = 1;
	v->no_cacheable = 0;
	v->not_found = 0;
	return NGX_OK;
}

static ngx_int_t page_age(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
	if (!is_kept(r)) {
		v->not_found = 1;
		return NGX_OK;
	}
	u_char *text = ngx_pnalloc(r->pool, NGX_TIME_T_LEN);
	if (text == NULL)
		return NGX_ERROR;
	return answer(v, text, ngx_sprintf(text, "%T", age_of(r->cache)));
}

static ngx_int_t page_status(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
	u_char *text = ngx_pnalloc(r->pool, LONGEST);
	if (text == NULL)
		return NGX_ERROR;
	if (is_kept(r))
		return answer(v, text, ngx_sprintf(text, "Subako; hit; ttl=%T", seconds_to_keep(r) - age_of(r->cache)));
	const char *why = r->upstream != NULL && r->upstream->cache_status == NGX_HTTP_CACHE_EXPIRED ? "stale" : "miss";
	return answer(v, text, ngx_sprintf(text, "Subako; fwd=%s%s", why, seconds_to_keep(r) > 0 ? "; stored" : ""));
}

static ngx_int_t add_variables(ngx_conf_t *cf)
{
	static ngx_str_t names[] = {ngx_string("page_age"), ngx_string("page_status")};
	static const ngx_http_get_variable_pt handlers[] = {page_age, page_status};

	for (ngx_uint_t i = 0; i < 2; i++) {
		ngx_http_variable_t *variable = ngx_http_add_variable(cf, &names[i], 0);
		if (variable == NULL)
			return NGX_ERROR;
		variable->get_handler = handlers[i];
	}
	return NGX_OK;
}

static ngx_http_module_t context = {.preconfiguration = add_variables};

ngx_module_t ngx_http_page_variables_module = {
	NGX_MODULE_V1,
	&context,
	NULL,
	NGX_HTTP_MODULE,
	NULL, NULL, NULL, NULL, NULL, NULL, NULL,
	NGX_MODULE_V1_PADDING,
};

/* What load_module looks for. */
ngx_module_t *ngx_modules[] = {&ngx_http_page_variables_module, NULL};
char *ngx_module_names[] = {"ngx_http_page_variables_module", NULL};
char *ngx_module_order[] = {NULL};

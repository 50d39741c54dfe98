/** Files of sites that run their owner's code: all there is of a static site, and what of an app's needs no answer of its own. */
import { APP, FILES, STATIC } from '../app-files.ts';
import { EDGE_VIEW } from './edge-view.ts';

/** What a page shows or loads. Nothing that may be a manifest, a dump or a configuration is among it. */
const SHOWN = 'css|js|mjs|map|png|jpe?g|gif|webp|avif|ico|svgz?|bmp|woff2?|ttf|otf|eot|mp4|m4v|webm|ogv|mp3|ogg|wav|m4a|pdf|wasm|webmanifest';
/** A name with a hash in it is another one's when its content changes. */
const HASHED = '[.-][0-9a-f]{8,64}\\.[a-z0-9.]+$';

const ENTRY = `${EDGE_VIEW.hosts}/$route_key`;

/** For the http block. */
export function fileMaps(): string {
  return `
  # What may be answered from an app's files, or a name that none has.
  map "$request_method $asked_file" $shown_file {
    "~*^(?:GET|HEAD) (?!.*/\\.)/.*\\.(?:${SHOWN})$" $asked_file;
    default /.subako/none;
  }
  map $asked_file $index_file { "~/$" index.html; default ""; }
  map $asked_file $file_cache {
    "~*${HASHED}" "public, max-age=31536000, immutable";
    "~*\\.(?:${SHOWN})$" "public, max-age=3600";
    default no-cache;
  }
  # Where a directory was asked for, as it was written: nothing in it is decoded.
  map $request_uri $asked_path { "~^(?<path_as_written>[^?]*)" $path_as_written; }`;
}

/** For the server block. @param rules of names and https */
export function fileLocations(rules: string): string {
  return `
    location = /.subako/files {
      internal;
      # The entry may be a link, that of a further name, and is looked at by the rules.
      set $trusted ${ENTRY};
${rules}
      if (-e ${ENTRY}/${STATIC}) { rewrite ^ /.subako/static last; }
${files()}
      try_files $shown_file @app;
    }

    location = /.subako/static {
      internal;
${files()}
      error_page 404 @static_missing;
      if ($asked_file ~ "/\\.(?!well-known/)") { return 404; }
      gzip_static on;
      try_files $asked_file$index_file $asked_file.html @static_directory;
    }

    # Without the slash, what the page of a directory refers to would be looked for elsewhere.
    location @static_directory {
${files()}
      error_page 404 @static_missing;
      if ($index_file) { return 404; }
      if (-d ${ENTRY}/${FILES}$asked_file) { return 301 $scheme://$host$port_suffix$asked_path/$is_args$args; }
      return 404;
    }

    location @static_missing {
${files()}
      try_files /404.html /.subako/none @nothing;
    }

    location @nothing { return 404; }`;
}

/** A symbolic link in the code leads nowhere; the one that leads to the code is the platform's. */
function files(): string {
  return `      root ${ENTRY}/${FILES};
      set $trusted ${ENTRY}/${FILES};
      disable_symlinks on from=$trusted;
      include ${EDGE_VIEW.config}/file.conf;`;
}

/** What leads a request for an app, or for files alone, away from what WordPress sites have. @param mark name of the file that says so */
export function toOwners(mark: string = APP): string {
  return `    if (-e ${ENTRY}/${mark}) { rewrite ^ /.subako/app last; }`;
}

export function renderFile(): string {
  return `default_type application/octet-stream;
add_header Cache-Control $file_cache;
include ${EDGE_VIEW.config}/headers.conf;
`;
}

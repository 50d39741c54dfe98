<?php
http_response_code( 503 );
header( 'Retry-After: 3600' );
?>
<!doctype html>
<title>Nothing here yet</title>
<h1>Nothing here yet</h1>
<p>This site waits for its code. Bring it with <code>subako site deploy DOMAIN --files PATH</code>.</p>

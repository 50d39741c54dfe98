<?php
$database = new PDO(
    sprintf( 'mysql:unix_socket=%s;dbname=%s;charset=utf8mb4', getenv( 'DB_SOCKET' ), getenv( 'DB_NAME' ) ),
    getenv( 'DB_USER' ),
    getenv( 'DB_PASSWORD' )
);
$database->exec( 'CREATE TABLE IF NOT EXISTS visits (count INT NOT NULL)' );
$database->exec( 'INSERT INTO visits SELECT 0 FROM DUAL WHERE NOT EXISTS (SELECT * FROM visits)' );
$database->exec( 'UPDATE visits SET count = count + 1' );
$count = (int) $database->query( 'SELECT count FROM visits' )->fetchColumn();
?>
<!doctype html>
<title>It works</title>
<link rel="stylesheet" href="/style.css">
<h1>It works</h1>
<p>PHP <?= PHP_VERSION ?> behind <?= htmlspecialchars( strtok( $_SERVER['SERVER_SOFTWARE'], '/' ) ) ?>, visit <?= $count ?>.</p>

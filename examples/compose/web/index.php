<?php
// A guest book: what is posted is kept in the database, and shown.
ini_set('display_errors', '0'); // what goes wrong is in the log, and the answer is 500
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
$password = trim(file_get_contents(getenv('DB_PASSWORD_FILE')));
$db = new mysqli(getenv('DB_HOST'), getenv('DB_USER'), $password, getenv('DB_NAME'));
$db->query('CREATE TABLE IF NOT EXISTS entries (id INT AUTO_INCREMENT PRIMARY KEY, words TEXT NOT NULL)');
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    $insert = $db->prepare('INSERT INTO entries (words) VALUES (?)');
    $insert->execute([$_POST['words'] ?? '']);
}
$entries = $db->query('SELECT words FROM entries ORDER BY id')->fetch_all(MYSQLI_ASSOC);
?>
<!doctype html>
<title>Guest book</title>
<form method="post"><input name="words" required> <button>Sign</button></form>
<ul>
<?php foreach ($entries as ['words' => $words]) : ?>
<li><?= htmlspecialchars($words) ?></li>
<?php endforeach ?>
</ul>

/** What people leave lying about, and what no visitor should get: ends of names, as a regular expression. */
export const NEVER_SERVED = 'php\\d|phtml|phps|phar|inc|sql|sqlite|log|bak|old|orig|save|swp|swo|dist|env|ini|conf|sh|pem|key|crt|lock';

# A small web app of the kind that people bring: one process for each connection, and a root that it may write to.
use strict;
use warnings;
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX ();

$| = 1;
$SIG{CHLD} = 'IGNORE';
$SIG{TERM} = sub { exit 0 };
my $born = join "-", $$, map { int rand 1e9 } 1 .. 2;
sleep $ENV{BOOT_SECONDS} if $ENV{BOOT_SECONDS};
my $ready_at = time + ($ENV{UNWELL_SECONDS} // 0);
my $server = $ENV{SOCKET}
  ? IO::Socket::UNIX->new( Local => $ENV{SOCKET}, Listen => 64 )
  : IO::Socket::INET->new( LocalAddr => $ENV{LISTEN} // '0.0.0.0', LocalPort => $ENV{PORT}, Listen => 64, ReuseAddr => 1 );
die "cannot listen: $!\n" unless $server;
# Held for as long as it lives: a socket of its own network alone, and what cannot be taken out of memory (mq_open).
my $also = $ENV{ALSO} ? IO::Socket::INET->new( LocalAddr => $ENV{ALSO}, Listen => 1 ) : undef;
die "cannot listen at $ENV{ALSO}: $!\n" if $ENV{ALSO} && !$also;
if ( $ENV{QUEUE} ) { my $name = $ENV{QUEUE}; syscall( ( POSIX::uname() )[4] eq 'aarch64' ? 180 : 240, $name, 0102, 0600, 0 ) >= 0 or die "no queue: $!\n" }
print "listening\n";
while ( my $client = $server->accept ) {
    my $pid = fork;
    if ( defined $pid && $pid == 0 ) { close $server; serve($client); POSIX::_exit(0) }
    close $client;
}

sub serve {
    my ($client) = @_;
    my $head = '';
    while ( $head !~ /\r\n\r\n/ ) { sysread( $client, my $part, 65536 ) or return; $head .= $part }
    my ( $top, $body ) = $head =~ /\A(.*?)\r\n\r\n(.*)\z/s;
    my ( $method, $target ) = $top =~ m{\A(\S+) (\S+) };
    my ($length) = $top =~ /^content-length: (\d+)/im;
    while ( length($body) < ( $length // 0 ) ) { sysread( $client, my $part, 65536 ) or return; $body .= $part }
    my ( $path, $query ) = split /\?/, $target, 2;
    $query //= '';

    if ( $top =~ /^upgrade: websocket/im ) {
        print $client "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
        $client->flush;
        while ( sysread( $client, my $said, 65536 ) ) { syswrite $client, "heard $said" }
        return;
    }
    if ( $path eq '/stream' ) {
        syswrite $client, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
        for my $count ( 1 .. 3 ) { syswrite $client, "data: $count\n\n"; select undef, undef, undef, $query || 0.5 }
        return;
    }
    return answer( $client, 200, $body ) if $path eq '/echo';
    return answer( $client, 200, "$method $target\n$top" ) if $path eq '/headers';
    return answer( $client, 200, $ENV{$query} // '' ) if $path eq '/env';
    return answer( $client, 200, join ' ', $<, split( / /, $( ) ) if $path eq '/who';
    return answer( $client, 200, $born ) if $path eq '/born';
    return answer( $client, time < $ready_at ? 503 : 200, 'health' ) if $path eq '/health';
    if ( $path eq '/count' ) {
        my ($file) = $query =~ m{\A(/[\w/.-]+)\z} or return answer( $client, 400, '' );
        open my $out, '>>', $file or return answer( $client, 500, "$!" );
        print $out 'x';
        close $out;
        return answer( $client, 200, -s $file );
    }
    if ( $path eq '/outward' ) {
        my $other = IO::Socket::INET->new( PeerAddr => $query, Timeout => 3 );
        return answer( $client, 200, $other ? 'connected' : "not: $@" );
    }
    if ( $path eq '/slow' ) { sleep $query; return answer( $client, 200, 'slow' ) }
    if ( $path eq '/die' ) { kill 'KILL', getppid; POSIX::_exit(1) }
    answer( $client, 200, "hello $born" );
}

sub answer {
    my ( $client, $status, $text ) = @_;
    my $length = length $text;
    my $whole = "HTTP/1.1 $status Said\r\nContent-Type: text/plain\r\nContent-Length: $length\r\nConnection: close\r\n\r\n$text";
    while ( length $whole ) { my $sent = syswrite( $client, $whole ) or return; substr( $whole, 0, $sent ) = '' }
    shutdown $client, 1;
}

# What an answer from the page cache says of itself, in perl: nginx 1.26 has no variable for it, and njs would make its objects anew for each request.
package hits;

use strict;
use warnings;

# Of a kept page two numbers: seconds since it was made, and seconds for which it is good, below 0 where it is too old. Of any other Cache-Status (RFC 9211).
# All it has to know comes by one variable, because each that perl asks for costs as much as the rest of this.
sub told {
    my ( $state, $keep, $at ) = split /,/, $_[0]->variable('page_facts');
    if ( $state eq 'HIT' || $state eq 'STALE' || $state eq 'UPDATING' || $state eq 'REVALIDATED' ) {
        my $age = time - int( $at || 0 );
        return ( $age > 0 ? $age : 0 ) . ' ' . ( ( $keep || 0 ) - $age );
    }
    return 'Subako; fwd=' . ( $state eq 'EXPIRED' ? 'stale' : 'miss' ) . ( ( $keep || 0 ) > 0 ? '; stored' : '' );
}

1;

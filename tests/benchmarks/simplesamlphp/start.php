<?php
// What an application does with who is not signed in.
require_once getenv('BENCH_PROGRAM') . '/lib/_autoload.php';
(new SimpleSAML\Auth\Simple('company'))->login(['ReturnTo' => getenv('BENCH_ADDRESS') . '/done']);

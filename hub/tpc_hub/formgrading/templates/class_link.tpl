<li role="presentation"><a href="{{ class_page }}">Class page of {{ course_title }}</a></li>
